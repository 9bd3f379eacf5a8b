#include "train/micro_batch.h"

#include <cmath>
#include <limits>

#include "data/loader/batch_builder.h"
#include "tests/data/temporary_corpus.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

constexpr Grid kPatch{.frames = 1, .height = 4, .width = 4};
constexpr double kNormaliser = 500;

class MicroBatchTest : public TemporaryCorpus {
 protected:
  void SetUp() override {
    TemporaryCorpus::SetUp();
    corpus_ = std::make_unique<CorpusIndex>(make(mixed(9)));
    options_.patch = kPatch;
    options_.token_budget = 400;
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
  static MicroBatchResult run(const TinyDit& model, const Batch& batch, std::int64_t step = 7) {
    return run_micro_batch(model.dit, batch, {}, /*seed=*/3, step, kNormaliser, {});
  }

  std::unique_ptr<CorpusIndex> corpus_;
  BatchOptions options_;
};

// Each clip keeps its time and noise wherever it lies, and its elements count the same.
TEST_F(MicroBatchTest, UnevenOnesGiveTheGradientOfAllTheirClipsInOne) {
  const TinyDit whole(model()), parts(model());
  const MicroBatchResult all = run(whole, batch(0, 8));
  MicroBatchResult sum;
  std::vector<std::int64_t> sizes;
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 6}, {6, 8}}) {
    const MicroBatchResult part = run(parts, batch(begin, end));
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

TEST_F(MicroBatchTest, CountsTheTokensOfItsClipsAndNotTheSlack) {
  const TinyDit model(MicroBatchTest::model());
  const Batch some = batch(0, 3);
  std::int64_t expected = 0;
  for (const Grid& grid : some.packing.grids) expected += grid.tokens();
  ASSERT_GT(some.packing.rows, expected);
  EXPECT_EQ(run(model, some).tokens, expected);
  EXPECT_GT(run(model, some).flops, 0);
}

// The gradient of squared_error / normaliser: along itself the error falls by its square.
TEST_F(MicroBatchTest, TheGradientIsThatOfTheErrorOverTheNormaliser) {
  const TinyDit model(MicroBatchTest::model());
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

TEST_F(MicroBatchTest, DrawsNoiseAndTimesAnewAtEachStepAndAlikeAtTheSame) {
  const TinyDit model(MicroBatchTest::model());
  const double error = run(model, batch(0, 4), 7).squared_error;
  EXPECT_EQ(run(model, batch(0, 4), 7).squared_error, error);
  EXPECT_NE(run(model, batch(0, 4), 8).squared_error, error);
}

TEST_F(MicroBatchTest, NamesTheClipWhoseErrorIsNoNumberAndNotItsNeighbours) {
  const TinyDit model(MicroBatchTest::model());
  const Batch some = batch(2, 6);
  EXPECT_TRUE(run(model, some).bad_clips.empty());
  const std::int64_t row = some.packing.offsets[1];
  some.tokens.data<float>()[row * some.tokens.shape()[1]] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run(model, some).bad_clips, (std::vector<std::int64_t>{some.clip_ids[1]}));
}

}  // namespace
}  // namespace muybridge
