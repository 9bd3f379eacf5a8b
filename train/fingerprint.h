#pragma once

#include <filesystem>
#include <string>

#include "parallel/group.h"
#include "train/checkpoint/checkpoint_manifest.h"
#include "train/config.h"

// A commit keeps the configuration and the corpus it was made with. Whoever goes on from it, or
// from its weights, is held against them by the table in train/resume_rules.h.
namespace muybridge {

// For a run that goes on from the commit. Throws Error(kUsage) that lists each key that differs and
// must not, with both values. Warns where the learning rate jumps. `corpus` is the identity of the
// corpus it trains on now. All ranks find the same; rank 0 warns.
void require_same_run(const Manifest& manifest, const std::filesystem::path& commit,
                      const TrainConfig& now, const std::string& corpus, const Group& group);

// The same for a new run that begins with the commit's weights.
void require_same_model(const Manifest& manifest, const std::filesystem::path& commit,
                        const TrainConfig& now, const Group& group);

}  // namespace muybridge
