#include "train/checks/memory_estimate.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/buffer.h"
#include "core/random.h"
#include "model/dit_parallel.h"
#include "parallel/host/local_ranks.h"
#include "train/config.h"
#include "train/objective/accumulation.h"
#include "train/plan/holdings.h"
#include "train/update/optimizer.h"

namespace muybridge {
namespace {

struct Measured {
  double weights = 0;
  double activations = 0;
};

constexpr int kClips = 16;
constexpr std::int64_t kCaption = 24;  // bytes
const MeshSizes kAlone{};

// Bytes of the pool that a training step of a model of some size really takes, a rank: ranks are
// threads here and share the pool.
Measured measure(const DitOptions& options, DType compute, const MeshSizes& sizes = kAlone) {
  const auto in_use = [] {
    return static_cast<double>(pool_statistics(Device::kCpu).in_use_bytes);
  };
  const double before = in_use();
  double weights = 0, peak = 0;
  std::jthread watcher;
  run_local_ranks(sizes.ranks(), [&](const std::shared_ptr<Group>& group) {
    const Mesh mesh(sizes, group);
    Parameters parameters;
    const Dit dit = make_dit(parameters, options, mesh);
    parameters.allocate(compute, 1);
    const Optimizer optimizer(parameters, TrainConfig::Optimizer(), mesh);
    group->barrier().wait();
    if (group->rank() == 0) weights = in_use() - before;
    group->barrier().wait();

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
    parameters.zero_gradients();
    if (group->rank() == 0)
      watcher = std::jthread([&](const std::stop_token& over) {
        while (!over.stop_requested()) peak = std::max(peak, in_use());
      });
    group->barrier().wait();
    accumulate_gradients(dit, batch, {.flow = {}, .seed = 1, .step = 1});
    group->barrier().wait();
    if (group->rank() == 0) watcher = {};
  });
  return {.weights = weights / sizes.ranks(),
          .activations = (peak - before - weights) / sizes.ranks()};
}

constexpr std::int64_t kTokens = kClips * 128;
constexpr MicroBatchSize kBatch{
    .tokens = kTokens, .text_tokens = kClips * kCaption, .clips = kClips};

MemoryEstimate estimate(const DitOptions& options, DType compute, const MeshSizes& sizes = kAlone) {
  const RankShare share{.tensor = sizes.tensor,
                        .context = sizes.context,
                        .parameters = holdings_of(options, sizes.tensor, {}).front().flat,
                        .recompute = options.recompute};
  const HeldMemory held =
      memory_of_section(options, share, compute, kBatch, {.blocks = options.depth}, 1);
  return estimate_memory(options, share, compute, kBatch, held.activation + held.text, 0, 0);
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

void expect_close(const DitOptions& options, DType compute, const MeshSizes& sizes = kAlone) {
  const Measured measured = measure(options, compute, sizes);
  const MemoryEstimate said = estimate(options, compute, sizes);
  SCOPED_TRACE(fmt::format("{}: {} of {}, {} of {}", to_string(sizes), said.activations,
                           measured.activations, said.state(), measured.weights));
  EXPECT_GT(said.activations, 0.9 * measured.activations);
  EXPECT_LT(said.activations, 1.2 * measured.activations);
  // The pool takes up to an eighth more than it was asked for.
  EXPECT_GE(1.125 * said.state(), measured.weights);
  EXPECT_LE(said.state(), measured.weights);
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

TEST(MemoryEstimate, IsCloseForRanksThatShareAModel) {
  DitOptions model = some_model();
  model.heads = model.text_heads = 8;
  expect_close(model, DType::kF32, {.tensor = 2});
  expect_close(model, DType::kF32, {.tensor = 4});
  expect_close(model, DType::kF32, {.context = 2});
  expect_close(model, DType::kF32, {.tensor = 2, .context = 2});
}

// By hand: 8 tokens, width 4, MLP 6, 2 clips with 3 tokens of text each.
TEST(MemoryEstimate, OfABlockIsThatOfItsTensors) {
  DitOptions o;
  o.width = 4, o.mlp_width = 6, o.heads = 2;
  const MicroBatchSize batch{.tokens = 8, .text_tokens = 6, .clips = 2};
  const auto block = [&](const RankShare& share, DType type = DType::kF32) {
    const auto of = [&](int blocks) {
      return memory_of_section(o, share, type, batch, {.blocks = blocks}, 1).activation;
    };
    return (of(3) - of(2)) / 1.06;
  };
  const double tokens = 18 * 4 + 2 * 6, keys = 6 * 4 * 4, tables = 2 * 6 * 4;
  EXPECT_NEAR(block({}), 4 * (8 * tokens + keys + tables), 1e-6);
  EXPECT_NEAR(block({}, DType::kBF16), 2 * (8 * tokens + keys) + 4 * tables, 1e-6);
  // Four tokens of this rank; the result of all tokens' heads stays where it was made, too.
  EXPECT_NEAR(block({.context = 2}), 4 * (4 * (tokens + 4) + keys + tables), 1e-6);
  EXPECT_NEAR(block({.context = 2, .ring = 2}), 4 * (4 * tokens + keys + tables), 1e-6);
  EXPECT_NEAR(block({.context = 4, .ring = 2}), 4 * (2 * (tokens + 4) + keys + tables), 1e-6);
  // All eight tokens before three layers, in place of the own ones.
  EXPECT_NEAR(block({.tensor = 2}),
              4 * (4 * (tokens - 3 * 4) + 3 * 8 * 4 + keys / 2 + 6 * 4 + tables), 1e-6);
  EXPECT_NEAR(block({.recompute = Recompute::kBlock}), 4 * 8 * 4, 1e-6);
  EXPECT_NEAR(block({.recompute = Recompute::kAttention}),
              4 * (8 * (tokens - 8 * 4) + keys + tables), 1e-6);
  // Three norms and the MLP's hidden numbers are codes of a byte.
  o.linear = BlockProducts::kFp8;
  EXPECT_NEAR(block({}, DType::kBF16),
              2 * (8 * tokens + keys) + 4 * tables - 8 * (3 * 4 + 6) * (2 - 1), 1e-6);
  EXPECT_NEAR(block({.recompute = Recompute::kBlock}, DType::kBF16), 2 * 8 * 4, 1e-6);
}

// Ten blocks of 90 and 100 beside them; in a ring of two of four context ranks heads are exchanged
// too.
TEST(MemoryEstimate, BlocksAreWholeAsLongAsTheyAreNeeded) {
  RankShare share{.parameters = 1000};
  set_whole(share, 100, 10, /*puts_off=*/false);
  EXPECT_EQ(share.whole_values, 100 + 3 * 90);
  EXPECT_EQ(share.whole_gradients, 100 + 2 * 90);
  set_whole(share, 100, 10, /*puts_off=*/true);
  EXPECT_EQ(share.whole_values, 100 + 3 * 90);
  EXPECT_EQ(share.whole_gradients, 1000);
  set_whole(share, 100, 1, /*puts_off=*/false);
  EXPECT_EQ(share.whole_values, 1000);
}

// Steps and evaluations have it in turns.
TEST(MemoryEstimate, TheWholeIsThatOfAStepOrOfAnEvaluation) {
  MemoryEstimate e{.process = 1, .weights = 10, .average_in_place = 200, .activations = 400};
  e.sampling = 100, e.batches = 1000, e.snapshot = 2000;
  EXPECT_EQ(e.total(), 1 + 10 + 400 + 1000 + 2000);
  e.sampling = 300;
  EXPECT_EQ(e.total(), 1 + 10 + 500 + 1000 + 2000);
}

TEST(MemoryEstimate, ZeroSharesWhatItsStageSays) {
  const auto at = [](int zero) {
    return estimate_memory(some_model(),
                           {.zero = zero,
                            .replicas = 4,
                            .parameters = 1000,
                            .whole_gradients = 100,
                            .whole_values = 150},
                           DType::kBF16, {}, 0, 0, 0);
  };
  const MemoryEstimate none = at(0), optimizer = at(1), gradients = at(2), weights = at(3);
  EXPECT_EQ(none.weights, 2000);
  EXPECT_EQ(none.gradients, 4000);
  EXPECT_EQ(none.optimizer, 16000);  // master, two moments, average
  EXPECT_EQ(none.average_in_place, 2000);
  EXPECT_EQ(optimizer.optimizer, 4000);
  EXPECT_EQ(optimizer.gradients, 4000);
  EXPECT_EQ(gradients.gradients, 1000 + 400);
  EXPECT_EQ(gradients.weights, 2000);
  EXPECT_EQ(weights.weights, 300);
  EXPECT_EQ(weights.average_in_place, 2000);
  EXPECT_EQ(weights.optimizer, 4000);
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
