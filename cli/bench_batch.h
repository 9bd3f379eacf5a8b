#pragma once

#include <cstdint>
#include <vector>

#include "data/loader/batch.h"
#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// The size of a clip that evaluation renders, or would if latents could be rendered, or of the
// demo's where the configuration leaves it open, as many of them as fill batch.tokens.
std::vector<Grid> clips_of_batch(const TrainConfig& config);
MicroBatchSize size_of_batch(const TrainConfig& config);

inline constexpr const char* kBenchCaption = "a red circle moving left";

// One micro-batch of random clips, each with the caption; its rows a multiple of the ranks that
// share its tokens.
Batch random_batch(const TrainConfig& config, std::uint64_t seed);

Tensor random_matrix(std::int64_t rows, std::int64_t columns, DType dtype, std::uint64_t seed = 1);

}  // namespace muybridge
