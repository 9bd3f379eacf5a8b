#pragma once

#include <filesystem>
#include <vector>

#include "eval/render.h"
#include "parallel/mesh.h"

namespace muybridge {

// render_clips by all ranks of a mesh: the replicas of the model share the requests, and one rank
// of each writes its clips into `folder`, which all of them reach. Returns on every rank the
// records of all, in the order of the requests. What fails on one rank throws on all. Collective.
std::vector<SampleRecord> render_shared(const Dit& dit, const Mesh& mesh,
                                        const std::vector<RenderRequest>& requests,
                                        const RenderOptions& options,
                                        const std::filesystem::path& folder, const SampleSet& set,
                                        const SamplerProgress& progress = {});

}  // namespace muybridge
