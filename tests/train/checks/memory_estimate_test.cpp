#include "train/checks/memory_estimate.h"

#include <gtest/gtest.h>

#include "core/buffer.h"
#include "core/random.h"
#include "model/dit.h"
#include "parallel/group.h"
#include "train/accumulation.h"
#include "train/config.h"
#include "train/update/optimizer.h"

namespace muybridge {
namespace {

struct Measured {
  double weights = 0;
  double activations = 0;
};

constexpr int kClips = 16;
constexpr std::int64_t kCaption = 24;  // bytes

// Bytes of the pool that a training step of a model of some size really takes.
Measured measure(const DitOptions& options, DType compute) {
  const auto in_use = [] {
    return static_cast<double>(pool_statistics(Device::kCpu).in_use_bytes);
  };
  Measured measured;
  const double before = in_use();
  Parameters parameters;
  const Dit dit(parameters, options);
  parameters.allocate(compute, 1);
  const Optimizer optimizer(parameters, TrainConfig::Optimizer(), Mesh(solo_group()));
  measured.weights = in_use() - before;

  Batch batch;
  batch.packing = Packing::of(std::vector<Grid>(kClips, {.frames = 4, .height = 4, .width = 8}));
  batch.tokens = Tensor::zeros({batch.packing.rows, options.token_width()});
  fill_normal(RandomStream(1, Purpose::kTest), batch.tokens.data<float>(), batch.tokens.numel());
  const PackedText text =
      pack_captions(std::vector<std::string>(kClips, std::string(kCaption - 1, 'x')), 256);
  batch.text_packing = text.packing;
  batch.text_ids = text.ids;
  for (int i = 0; i < kClips; ++i) {
    batch.clip_ids.push_back(i);
    batch.samples.push_back(i);
  }
  // The most that is in use while backward reports its leaves, from the last block to the first.
  double peak = in_use();
  parameters.zero_gradients();
  accumulate_gradients(dit, batch,
                       {.flow = {}, .seed = 1, .step = 1, .on_leaf_ready = [&](std::int64_t, bool) {
                          peak = std::max(peak, in_use());
                        }});
  measured.activations = peak - before - measured.weights;
  return measured;
}

MemoryEstimate estimate(const DitOptions& options, DType compute) {
  Parameters parameters;
  const Dit dit(parameters, options);
  const std::int64_t tokens = kClips * 128;
  return estimate_memory(options, parameters.flat_size(), compute,
                         {.tokens = tokens, .text_tokens = kClips * kCaption, .clips = kClips}, 0,
                         0);
}

DitOptions some_model() {
  return {.channels = 3,
          .patch = {.frames = 2, .height = 4, .width = 4},
          .width = 96,
          .depth = 4,
          .heads = 4,
          .mlp_width = 384,
          .text_width = 32,
          .text_depth = 1,
          .text_heads = 2};
}

void expect_close(const DitOptions& options, DType compute) {
  const Measured measured = measure(options, compute);
  const MemoryEstimate said = estimate(options, compute);
  EXPECT_GT(said.activations, 0.9 * measured.activations);
  EXPECT_LT(said.activations, 1.3 * measured.activations);
  EXPECT_GE(said.weights, measured.weights);
  EXPECT_LT(said.weights, 1.35 * measured.weights);
}

TEST(MemoryEstimate, IsCloseToWhatAStepTakes) { expect_close(some_model(), DType::kF32); }

TEST(MemoryEstimate, IsCloseInBf16) { expect_close(some_model(), DType::kBF16); }

TEST(MemoryEstimate, IsCloseForDeepAndWideOnes) {
  DitOptions deep = some_model();
  deep.depth = 9;
  expect_close(deep, DType::kF32);
  DitOptions wide = some_model();
  wide.width = 192;
  wide.mlp_width = 256;
  expect_close(wide, DType::kF32);
}

// The gradients that leaves report lag behind what a block that is run again takes: what is
// measured is less than the peak.
TEST(MemoryEstimate, KnowsWhatRunningBlocksAgainSaves) {
  DitOptions options = some_model();
  options.depth = 12;
  const double whole = estimate(options, DType::kF32).activations;
  options.recompute = Recompute::kBlock;
  const double again = estimate(options, DType::kF32).activations;
  EXPECT_GT(again, measure(options, DType::kF32).activations);
  EXPECT_LT(again, 0.3 * whole);
}

TEST(MemoryEstimate, KnowsWhatMakingQueriesAndKeysAgainSaves) {
  DitOptions options = some_model();
  options.depth = 9;
  const double whole = estimate(options, DType::kF32).activations,
               measured = measure(options, DType::kF32).activations;
  options.recompute = Recompute::kAttention;
  const double saved = whole - estimate(options, DType::kF32).activations;
  EXPECT_GT(saved, 0.2 * whole);
  EXPECT_NEAR(measured - measure(options, DType::kF32).activations, saved, 0.15 * saved);
  for (const DType compute : {DType::kF32, DType::kBF16}) expect_close(options, compute);
}

TEST(MemoryEstimate, OfAbsurdSizesIsAbsurdAndNotWrong) {
  const MemoryEstimate huge = estimate_memory(
      some_model(), 1 << 20, DType::kF32,
      {.tokens = std::int64_t{1} << 30, .text_tokens = 1 << 20, .clips = 1 << 20}, 0, 4);
  EXPECT_GT(huge.total(), 5e12);
  EXPECT_GT(estimate_memory(some_model(), 1, DType::kF32, {}, std::int64_t{1} << 40, 0).total(),
            1e15);
}

}  // namespace
}  // namespace muybridge
