#include "model/dit_parallel.h"

#include <gtest/gtest.h>
#include <omp.h>

#include "core/error.h"
#include "core/ops/flow.h"
#include "core/ops/loss.h"
#include "model/flow_matching.h"
#include "parallel/grad_reducer.h"
#include "parallel/host/local_ranks.h"
#include "parallel/values.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

DitOptions options_of(Prediction prediction) {
  DitOptions options = tiny_dit_options();
  options.width = 48;
  options.heads = 4;
  options.text_width = 16;
  options.text_heads = 4;
  options.depth = 4;
  options.head_mlp_width = 20;
  options.prediction = prediction;
  return options;
}

// Clips of unequal sizes, with slack behind them.
struct Batch {
  Packing packing = Packing::of({{2, 2, 3}, {1, 3, 2}, {3, 1, 1}}, 24);
  PackedText text = pack_captions({"a red ball", "", "it falls"}, 256);
  Tensor clean = testing::random_tensor({24, 8}, 1);
  FlowDraw draw = draw_training_flow({}, 3, 1, std::vector<std::int64_t>{4, 9, 2});
};

// This rank's part of the loss, walked backward; the sum over ranks.
double walk(const Dit& dit, const BackwardOptions& options = {}) {
  const Batch batch;
  const TokenLayout layout = dit.layout(batch.packing);
  const Tensor times = batch.draw.times.to(DType::kF64);
  const NoisyTokens noisy =
      add_flow_noise(layout.own_rows(batch.clean), times, batch.draw.noise, layout.clips);
  const Var velocity = dit(noisy.tokens, times, dit.encode_text(batch.text), layout);
  const Var loss = squared_error(velocity, noisy.velocity, layout.clips.offsets, 0.01).loss;
  backward(loss, {}, options);
  return loss.value().item();
}

struct Layout {
  MeshSizes sizes;
  Prediction prediction = Prediction::kVelocity;
  Recompute recompute = Recompute::kNone;
  Placement placement = {};
};
std::string name_of(const ::testing::TestParamInfo<Layout>& test) {
  const Layout& layout = test.param;
  return fmt::format(
      "Tensor{}Context{}{}Pipeline{}Chunks{}{}{}", layout.sizes.tensor, layout.sizes.context,
      layout.sizes.ring > 1 ? fmt::format("Ring{}", layout.sizes.ring) : "", layout.sizes.pipeline,
      layout.placement.virtual_stages, layout.prediction == Prediction::kClean ? "Clean" : "",
      layout.recompute == Recompute::kNone    ? ""
      : layout.recompute == Recompute::kBlock ? "Recompute"
                                              : "Remade");
}

const auto kTokenLayouts = ::testing::Values(
    Layout{{.tensor = 2}}, Layout{{.tensor = 4}}, Layout{{.context = 2}}, Layout{{.context = 4}},
    Layout{{.tensor = 2, .context = 2}}, Layout{{.tensor = 2, .context = 2}, Prediction::kClean},
    Layout{{.tensor = 2, .context = 2}, Prediction::kClean, Recompute::kBlock},
    Layout{{.context = 2, .ring = 2}}, Layout{{.context = 3, .ring = 3}},
    Layout{{.context = 8, .ring = 8}}, Layout{{.context = 4, .ring = 2}},
    Layout{{.context = 6, .ring = 3}, Prediction::kClean},
    Layout{{.tensor = 2, .context = 3, .ring = 3}, Prediction::kClean, Recompute::kBlock},
    Layout{{.tensor = 2, .context = 2}, Prediction::kVelocity, Recompute::kAttention},
    Layout{{.tensor = 2, .context = 4, .ring = 2}, Prediction::kVelocity, Recompute::kAttention});
// Their gradients are tested with their schedules, in tests/train/accumulation_test.cpp.
const auto kStages = ::testing::Values(
    Layout{{.pipeline = 2}, Prediction::kVelocity, Recompute::kNone, {.stages = 2}},
    Layout{{.pipeline = 2},
           Prediction::kClean,
           Recompute::kNone,
           {.stages = 2, .virtual_stages = 2, .fold = Fold::kV}},
    Layout{{.tensor = 2, .context = 2, .pipeline = 2},
           Prediction::kClean,
           Recompute::kNone,
           {.stages = 2, .virtual_stages = 2}},
    Layout{{.context = 3, .pipeline = 2, .ring = 3},
           Prediction::kVelocity,
           Recompute::kNone,
           {.stages = 2, .virtual_stages = 2}});

class DitLayout : public ::testing::TestWithParam<Layout> {};
class DitSampling : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(Tokens, DitLayout, kTokenLayouts, name_of);
INSTANTIATE_TEST_SUITE_P(Tokens, DitSampling, kTokenLayouts, name_of);
INSTANTIATE_TEST_SUITE_P(Stages, DitSampling, kStages, name_of);

TEST(BalancedSections, GiveTheEndsFewerBlocksWhereThePatchesAreCostly) {
  const auto counts = [](const DitOptions& options, int sections) {
    std::vector<int> blocks;
    int end = 0;
    for (const BlockRange& range : balanced_sections(options, sections)) {
      EXPECT_EQ(range.begin, end);
      end = range.end;
      blocks.push_back(range.end - range.begin);
    }
    EXPECT_EQ(end, options.depth);
    return blocks;
  };
  DitOptions options = tiny_dit_options();
  options.depth = 12;
  EXPECT_EQ(counts(options, 1), (std::vector<int>{12}));
  EXPECT_EQ(counts(options, 4), (std::vector<int>{3, 3, 3, 3}));
  options.depth = 14;
  EXPECT_EQ(counts(options, 4), (std::vector<int>{3, 4, 4, 3}));
  options.head_mlp_width = 40000;  // as much as a few blocks
  const std::vector<int> costly = counts(options, 4);
  EXPECT_LT(costly.back(), 3);
  EXPECT_GE(costly.back(), 1);
}

TEST_P(DitLayout, LossAndGradientsAreThoseOfOneRank) {
  DitOptions options = options_of(GetParam().prediction);
  Parameters whole;
  const Dit alone(whole, options);
  whole.allocate(DType::kF64, 5);
  stir(whole);
  const double expected = walk(alone);
  options.recompute = GetParam().recompute;
  run_local_ranks(GetParam().sizes.ranks(), [&](const std::shared_ptr<Group>& world) {
    omp_set_num_threads(1);
    const Mesh mesh(GetParam().sizes, world);
    Parameters parameters;
    const Dit dit = make_dit(parameters, options, mesh);
    parameters.allocate(DType::kF64, 5);
    stir(parameters);
    GradReducer reducer(parameters, mesh.copies(), {.bucket_bytes = 4096});
    std::size_t ready = 0;
    const double loss = walk(dit, {.on_leaf_ready = [&](std::int64_t tag) {
                               ++ready;
                               reducer.on_ready(tag);
                             }});
    reducer.finish();
    EXPECT_EQ(ready, parameters.list().size());
    EXPECT_NEAR(all_reduce_value(*world, loss, Reduce::kSum), expected, 1e-12 * expected);
    ASSERT_EQ(parameters.list().size(), whole.list().size());
    expect_gradients_of(whole, parameters, 1e-11);
    std::int64_t held = 0;
    for (const Parameter& parameter : parameters.list()) held += parameter.shape.numel();
    if (GetParam().sizes.tensor > 1) {
      EXPECT_LT(held, whole.count());
    }
  });
}

TEST_P(DitSampling, VelocityOfAllRowsIsThatOfOneRank) {
  const DitOptions options = options_of(GetParam().prediction);
  const Batch batch;
  const Tensor times = batch.draw.times.to(DType::kF64);
  const auto velocity = [&](const Dit& dit) {
    EncodedText text = dit.encode_text(batch.text);
    dit.precompute_keys(text);
    return dit.velocity(batch.clean, times, text, dit.layout(batch.packing));
  };
  Parameters whole;
  const Dit alone(whole, options);
  whole.allocate(DType::kF64, 5);
  stir(whole);
  const Tensor expected = velocity(alone);
  run_local_ranks(GetParam().sizes.ranks(), [&](const std::shared_ptr<Group>& world) {
    omp_set_num_threads(1);
    const Mesh mesh(GetParam().sizes, world);
    Parameters parameters;
    const Dit dit = make_dit(parameters, options, mesh, GetParam().placement);
    parameters.allocate(DType::kF64, 5);
    stir(parameters);
    const Tensor got = velocity(dit);
    ASSERT_EQ(got.shape(), expected.shape());
    for (std::int64_t i = 0; i < batch.packing.used() * 8; ++i)
      ASSERT_NEAR(got.data<double>()[i], expected.data<double>()[i], 1e-12);
  });
}

TEST(DitParallel, ALayoutThatCannotBeSaysWhichCould) {
  const DitOptions options = options_of(Prediction::kVelocity);
  const auto message = [&](const MeshSizes& sizes, std::int64_t rows, const Placement& at = {}) {
    try {
      require_layout(options, sizes, at, rows);
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return std::string(error.what());
    }
  };
  EXPECT_EQ(message({.tensor = 2, .context = 2}, 64), "");
  EXPECT_EQ(
      message({.tensor = 3}, 64),
      "model.heads = 4, model.text_heads = 4, model.mlp_width = 40 cannot be shared by "
      "parallel.tensor = 3; 2 could\n"
      "batch.tokens = 64 cannot be shared by parallel.tensor x parallel.context = 3; 2 could");
  EXPECT_EQ(message({.tensor = 2, .context = 4}, 64),
            "model.heads = 4 cannot be shared by parallel.tensor x parallel.context = 8; 4 could, "
            "or a ring (parallel.context_method, parallel.ring), which shares no heads");
  EXPECT_EQ(message({.context = 64, .ring = 64}, 64), "");
  EXPECT_EQ(message({.tensor = 2, .context = 6, .ring = 3}, 60), "");
  EXPECT_EQ(message({.tensor = 2, .context = 9, .ring = 3}, 72),
            "model.heads = 4 cannot be shared by parallel.tensor x parallel.context / "
            "parallel.ring = 6; 4 could");
  EXPECT_EQ(
      message({.tensor = 2, .context = 2}, 66),
      "batch.tokens = 66 cannot be shared by parallel.tensor x parallel.context = 4; 2 could");
  EXPECT_EQ(message({.pipeline = 5}, 64, {.stages = 5}),
            "model.depth = 4 blocks cannot be shared by parallel.pipeline = 5 stages of 1 parts; a "
            "part has at least one block: 4 stages could");
}

TEST(DitParallel, ProductsOf8BitsWantWidthsThatAreMultiplesOf16OnEachRank) {
  DitOptions options = options_of(Prediction::kVelocity);
  options.linear = BlockProducts::kFp8;
  options.width = 64;
  options.mlp_width = 96;
  const auto reason = [&](int tensor) {
    for (const LayoutMistake& each : layout_mistakes(options, {.tensor = tensor}, {}, 64))
      if (each.key == "train.linear") return each.reason;
    return std::string();
  };
  EXPECT_EQ(reason(1), "");
  EXPECT_EQ(reason(2), "");
  EXPECT_NE(reason(4).find("model.mlp_width = 96 over parallel.tensor = 4 is not"),
            std::string::npos)
      << reason(4);
  options.width = 72;
  EXPECT_NE(reason(1).find("model.width = 72"), std::string::npos) << reason(1);
  options.linear = BlockProducts::kOfPrecision;
  EXPECT_EQ(reason(1), "");
}

}  // namespace
}  // namespace muybridge
