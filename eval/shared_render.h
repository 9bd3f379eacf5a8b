#pragma once

#include <filesystem>
#include <vector>

#include "eval/render.h"
#include "parallel/mesh.h"

namespace muybridge {

// render_clips by all ranks of a mesh: the replicas of the model share the requests, and one rank
// of each writes its clips into `folder`, which all of them reach. Returns on every rank the
// records of all, in the order of the requests; those that were stopped for (`hooks.stop`, or
// Error(kPreempted) of `hooks.progress` on all ranks of a replica) have no file. What fails on one
// rank throws on all, as far as `hand_in_hand` lets it. Collective.
std::vector<SampleRecord> render_shared(const Dit& dit, const Mesh& mesh,
                                        const std::vector<RenderRequest>& requests,
                                        const RenderOptions& options,
                                        const std::filesystem::path& folder, const SampleSet& set,
                                        const RenderHooks& hooks = {});

}  // namespace muybridge
