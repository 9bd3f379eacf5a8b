#include "train/objective/accumulation.h"

#include <omp.h>

#include <cmath>
#include <limits>

#include "data/loader/batch_builder.h"
#include "model/dit_parallel.h"
#include "parallel/grad_reducer.h"
#include "parallel/host/local_ranks.h"
#include "parallel/schedule/schedule.h"
#include "parallel/values.h"
#include "tests/data/temporary_corpus.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

constexpr Grid kPatch{.frames = 1, .height = 4, .width = 4};
constexpr double kNormaliser = 500;

class AccumulationTest : public TemporaryCorpus {
 protected:
  void SetUp() override {
    TemporaryCorpus::SetUp();
    corpus_ = std::make_unique<CorpusIndex>(make(mixed(9)));
    options_.patch = kPatch;
    options_.token_budget = 408;  // which many numbers of ranks divide
  }

  // Training clips number `begin` to `end` - 1, as draws of those numbers.
  Batch batch(std::size_t begin, std::size_t end) const {
    const std::vector<SelectedClip> clips = select_clips(*corpus_, "train", options_);
    std::vector<DrawnClip> drawn;
    for (std::size_t i = begin; i < end; ++i)
      drawn.push_back({.sample = static_cast<std::int64_t>(i), .clip = clips.at(i)});
    std::vector<std::byte> scratch;
    return BatchBuilder(*corpus_, options_).build(drawn, &scratch);
  }
  static DitOptions model() {
    DitOptions options = tiny_dit_options();
    options.channels = 3;
    options.patch = kPatch;
    return options;
  }
  static StepResult run(const TinyDit& model, const Batch& batch, std::int64_t step = 7) {
    return accumulate_gradients(model.dit, batch,
                                {.flow = {}, .seed = 3, .step = step, .normaliser = kNormaliser});
  }

  std::unique_ptr<CorpusIndex> corpus_;
  BatchOptions options_;
};

// Each clip keeps its time and noise wherever it lies, and its elements count the same.
TEST_F(AccumulationTest, UnevenOnesGiveTheGradientOfAllTheirClipsInOne) {
  const TinyDit whole(model()), parts(model());
  const StepResult all = run(whole, batch(0, 8));
  StepResult sum;
  std::vector<std::int64_t> sizes;
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 6}, {6, 8}}) {
    const StepResult part = run(parts, batch(begin, end));
    sum.squared_error += part.squared_error;
    sum.tokens += part.tokens;
    sizes.push_back(part.tokens);
  }
  EXPECT_GT(*std::ranges::max_element(sizes), 4 * *std::ranges::min_element(sizes));
  EXPECT_EQ(sum.tokens, all.tokens);
  EXPECT_NEAR(sum.squared_error, all.squared_error, 1e-6 * all.squared_error);
  const std::vector<float> expected = whole.parameters.gradients().to_vector<float>();
  const std::vector<float> got = parts.parameters.gradients().to_vector<float>();
  float largest = 0;
  for (const float gradient : expected) largest = std::max(largest, std::abs(gradient));
  EXPECT_GT(largest, 0);
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-5 * largest);
}

TEST_F(AccumulationTest, CountsTheTokensOfItsClipsAndNotTheSlack) {
  const TinyDit model(AccumulationTest::model());
  const Batch some = batch(0, 3);
  std::int64_t expected = 0;
  for (const Grid& grid : some.packing.grids) expected += grid.tokens();
  ASSERT_GT(some.packing.rows, expected);
  EXPECT_EQ(run(model, some).tokens, expected);
  EXPECT_GT(run(model, some).flops, 0);
}

// The gradient of squared_error / normaliser: along itself the error falls by its square.
TEST_F(AccumulationTest, TheGradientIsThatOfTheErrorOverTheNormaliser) {
  const TinyDit model(AccumulationTest::model());
  const Batch some = batch(0, 5);
  const double before = run(model, some).squared_error / kNormaliser;
  const Tensor gradients = model.parameters.gradients().clone();
  double square = 0;
  for (const float gradient : gradients.span<float>())
    square += static_cast<double>(gradient) * gradient;
  const double length = 1e-2 / std::sqrt(square);
  const Tensor& master = model.parameters.master();
  for (std::int64_t i = 0; i < master.numel(); ++i)
    master.data<float>()[i] -= static_cast<float>(length) * gradients.data<float>()[i];
  const double after = run(model, some).squared_error / kNormaliser;
  EXPECT_NEAR((before - after) / (length * square), 1, 0.05);
}

TEST_F(AccumulationTest, DrawsNoiseAndTimesAnewAtEachStepAndAlikeAtTheSame) {
  const TinyDit model(AccumulationTest::model());
  const double error = run(model, batch(0, 4), 7).squared_error;
  EXPECT_EQ(run(model, batch(0, 4), 7).squared_error, error);
  EXPECT_NE(run(model, batch(0, 4), 8).squared_error, error);
}

TEST_F(AccumulationTest, NamesTheClipWhoseErrorIsNoNumberAndNotItsNeighbours) {
  const TinyDit model(AccumulationTest::model());
  const Batch some = batch(2, 6);
  EXPECT_TRUE(run(model, some).bad_clips.empty());
  const std::int64_t row = some.packing.offsets[1];
  some.tokens.data<float>()[row * some.tokens.shape()[1]] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run(model, some).bad_clips, (std::vector<std::int64_t>{some.clip_ids[1]}));
}

// The same model on the ranks of a mesh, from the same start.
struct Layout {
  MeshSizes sizes;
  ScheduleKind schedule = ScheduleKind::k1F1B;
  int virtual_stages = 1;
  Recompute recompute = Recompute::kNone;
};

class AccumulationOverRanks : public AccumulationTest,
                              public ::testing::WithParamInterface<Layout> {
 protected:
  static constexpr int kMicroBatches = 5;

  static DitOptions model() {
    DitOptions options = AccumulationTest::model();
    options.width = 48;
    options.depth = 5;
    options.heads = 4;
    options.text_width = 16;
    options.text_heads = 4;
    return options;
  }
  // Those of a data rank: every so many, uneven ones.
  std::function<Batch()> batches(int first, int step) const {
    return [this, next = first, step]() mutable {
      const auto begin = static_cast<std::size_t>(next) % 4;
      const std::size_t count = 1 + static_cast<std::size_t>(next) % 3;
      next += step;
      return batch(begin, begin + count);
    };
  }
  static AccumulationOptions options() {
    return {.flow = {}, .seed = 3, .step = 7, .normaliser = kNormaliser};
  }
};

INSTANTIATE_TEST_SUITE_P(
    Layouts, AccumulationOverRanks,
    ::testing::Values(
        Layout{{.pipeline = 2}}, Layout{{.pipeline = 5}, ScheduleKind::kGpipe},
        Layout{{.pipeline = 2}, ScheduleKind::kInterleaved, 2},
        Layout{{.pipeline = 3}, ScheduleKind::kZbH1},
        Layout{{.pipeline = 2}, ScheduleKind::kZbV, 2},
        Layout{{.pipeline = 2}, ScheduleKind::kZbV, 2, Recompute::kBlock},
        Layout{{.pipeline = 2}, ScheduleKind::kZbV, 2, Recompute::kAttention}, Layout{{.data = 3}},
        Layout{{.data = 2, .tensor = 2}}, Layout{{.data = 2, .tensor = 2, .pipeline = 2}},
        Layout{{.tensor = 2, .context = 2, .pipeline = 2}},
        Layout{{.tensor = 2, .context = 2, .pipeline = 2}, ScheduleKind::kZbV, 2},
        Layout{{.context = 2, .pipeline = 2}, ScheduleKind::kInterleaved, 2},
        Layout{{.context = 3, .pipeline = 2, .ring = 3}, ScheduleKind::kInterleaved, 2},
        Layout{
            {.context = 4, .pipeline = 2, .ring = 2}, ScheduleKind::kZbV, 2, Recompute::kAttention},
        Layout{{.data = 2, .tensor = 2, .context = 2, .ring = 2}},
        Layout{{.pipeline = 2}, ScheduleKind::kTuned, 2}),
    [](const auto& test) {
      const Layout& layout = test.param;
      return fmt::format(
          "Data{}Tensor{}Context{}Ring{}Pipeline{}_{}{}", layout.sizes.data, layout.sizes.tensor,
          layout.sizes.context, layout.sizes.ring, layout.sizes.pipeline,
          [&] {
            std::string name(to_string(layout.schedule));
            if (name == "1f1b") name = "OneFOneB";
            return name;
          }(),
          layout.recompute == Recompute::kNone    ? ""
          : layout.recompute == Recompute::kBlock ? "_recompute"
                                                  : "_remade");
    });

TEST_P(AccumulationOverRanks, LossAndGradientsAreThoseOfOneRank) {
  DitOptions model = AccumulationOverRanks::model();
  Parameters whole;
  const Dit alone(whole, model);
  whole.allocate(DType::kF64, 5);
  stir(whole);
  const auto one = batches(0, 1);
  StepResult expected;
  for (int i = 0; i < kMicroBatches; ++i) {
    const StepResult part = accumulate_gradients(alone, one(), options());
    expected.squared_error += part.squared_error;
    expected.tokens += part.tokens;
  }
  const Layout& layout = GetParam();
  model.recompute = layout.recompute;
  run_local_ranks(layout.sizes.ranks(), [&](const std::shared_ptr<Group>& world) {
    omp_set_num_threads(1);
    const Mesh mesh(layout.sizes, world);
    const Placement placement =
        placement_of(layout.schedule, layout.sizes.pipeline, layout.virtual_stages);
    Parameters parameters;
    const Dit dit = make_dit(parameters, model, mesh, placement);
    parameters.allocate(DType::kF64, 5);
    stir(parameters);
    GradReducer reducer(parameters, mesh.copies(), {.bucket_bytes = 4096});
    AccumulationOptions mine = options();
    std::size_t ready = 0;
    mine.on_leaf_ready = [&](std::int64_t tag, bool complete) {
      if (!complete) return;
      if (tag >= 0) ++ready;
      reducer.on_ready(tag);
    };
    const int data = mesh.coordinate().data, replicas = mesh.sizes().data;
    const int count = (kMicroBatches - data + replicas - 1) / replicas;
    const StepResult result =
        accumulate_gradients(dit,
                             make_schedule({.kind = layout.schedule,
                                            .stages = placement.stages,
                                            .virtual_stages = placement.virtual_stages,
                                            .micro_batches = count}),
                             *mesh.pipeline(), batches(data, replicas), mine);
    reducer.finish();
    EXPECT_EQ(ready, parameters.list().size());
    EXPECT_NEAR(all_reduce_value(*world, result.squared_error, Reduce::kSum),
                expected.squared_error, 1e-11 * expected.squared_error);
    EXPECT_EQ(all_reduce_value(*world, static_cast<double>(result.tokens), Reduce::kSum),
              static_cast<double>(expected.tokens));
    expect_gradients_of(whole, parameters, 1e-10);
  });
}

}  // namespace
}  // namespace muybridge
