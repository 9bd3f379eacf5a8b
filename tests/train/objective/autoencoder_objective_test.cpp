#include "train/objective/autoencoder_objective.h"

#include <cmath>
#include <map>

#include "data/loader/batch_builder.h"
#include "tests/data/temporary_corpus.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr double kNormaliser = 500;

class AutoencoderObjectiveTest : public TemporaryCorpus {
 protected:
  void SetUp() override {
    TemporaryCorpus::SetUp();
    corpus_ = std::make_unique<CorpusIndex>(make({{.frames = 5, .height = 8, .width = 8},
                                                  {.frames = 4, .height = 8, .width = 12},
                                                  {.frames = 1, .height = 12, .width = 8},
                                                  {.frames = 3, .height = 8, .width = 8}}));
  }

  static TrainConfig config() {
    TrainConfig config;
    config.model.kind = TrainConfig::Kind::kAutoencoder;
    config.autoencoder = {.latent_channels = 2,
                          .width = 4,
                          .multiples = {1, 2},
                          .frame_halvings = 1,
                          .blocks = 1,
                          .divergence_weight = 0.01};
    config.batch.tokens = 200;
    return config;
  }

  struct Model {
    TrainConfig config;
    Parameters parameters;
    AutoencoderObjective objective;
    explicit Model(const TrainConfig& c)
        : config(c),
          objective(config, Autoencoder(parameters, autoencoder_options(config)), parameters,
                    Mesh(solo_group())) {
      parameters.allocate(DType::kF32, 3);
    }
  };

  // Training clips `numbers`, as draws of those numbers.
  Batch batch(const TrainConfig& config, const std::vector<std::size_t>& numbers) const {
    const LoaderOptions options = loader_options(config);
    const std::vector<SelectedClip> clips = select_clips(*corpus_, "train", options);
    std::vector<DrawnClip> drawn;
    for (const std::size_t i : numbers)
      drawn.push_back({.sample = static_cast<std::int64_t>(i), .clip = clips.at(i)});
    std::vector<std::byte> scratch;
    return BatchBuilder(*corpus_, options).build(drawn, &scratch);
  }

  StepResult run(Model& model, const std::vector<std::vector<std::size_t>>& micro_batches,
                 const std::function<void(std::int64_t, bool)>& ready = {},
                 std::int64_t step = 7) const {
    std::size_t next = 0;
    return model.objective.accumulate(
        {.micro_batches = static_cast<int>(micro_batches.size()),
         .next = [&] { return batch(model.config, micro_batches[next++]); },
         .seed = 3,
         .step = step,
         .normaliser = kNormaliser,
         .on_leaf_ready = ready});
  }

  std::unique_ptr<CorpusIndex> corpus_;
};

// Frames behind the first are cut to whole latents: 5, 3, 1 and 3 are left, of tokens of 2 x 2.
TEST_F(AutoencoderObjectiveTest, CountsTheTokensOfWholeLatents) {
  Model model(config());
  EXPECT_EQ(run(model, {{0}}).tokens, 5 * 4 * 4);
  EXPECT_EQ(run(model, {{1}}).tokens, 3 * 4 * 6);
  EXPECT_EQ(run(model, {{2}}).tokens, 1 * 6 * 4);
  EXPECT_EQ(model.objective.token_width(), 2 * 2 * 3);
}

TEST_F(AutoencoderObjectiveTest, HoweverClipsArePackedTheirGradientIsTheSame) {
  Model together(config()), apart(config());
  const StepResult one = run(together, {{0, 1}, {2, 3}}), other = run(apart, {{3}, {1}, {2, 0}});
  EXPECT_EQ(one.tokens, other.tokens);
  EXPECT_NEAR(one.squared_error, other.squared_error, 1e-6 * one.squared_error);
  EXPECT_NEAR(one.divergence, other.divergence, 1e-6 * one.divergence);
  const std::vector<float> want = together.parameters.gradients().to_vector<float>(),
                           got = apart.parameters.gradients().to_vector<float>();
  float largest = 0;
  for (const float gradient : want) largest = std::max(largest, std::abs(gradient));
  EXPECT_GT(largest, 0);
  for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-5 * largest);
}

// Along itself the loss, squared error and weighed divergence, falls by the gradient's square.
TEST_F(AutoencoderObjectiveTest, TheGradientIsThatOfBothPartsOfTheLoss) {
  for (const double weight : {0.0, 0.5}) {
    TrainConfig changed = config();
    changed.autoencoder.divergence_weight = weight;
    Model model(changed);
    const auto loss = [&] {
      const StepResult result = run(model, {{0, 1}});
      return (result.squared_error + result.divergence) / kNormaliser;
    };
    const double before = loss();
    const Tensor gradient = model.parameters.gradients().clone();
    double square = 0;
    for (const float each : gradient.to_vector<float>()) square += static_cast<double>(each) * each;
    const double step = 1e-3 * before / square;
    const Tensor& weights = model.parameters.master();
    for (std::int64_t i = 0; i < weights.numel(); ++i)
      weights.data<float>()[i] -= static_cast<float>(step) * gradient.data<float>()[i];
    EXPECT_NEAR((before - loss()) / (step * square), 1, 0.03) << weight;
    EXPECT_EQ(run(model, {{0}}).divergence > 0, weight > 0);
  }
}

TEST_F(AutoencoderObjectiveTest, NoiseIsKeyedByTheStep) {
  Model model(config());
  const double error = run(model, {{0}}).squared_error;
  EXPECT_EQ(run(model, {{0}}).squared_error, error);
  EXPECT_NE(run(model, {{0}}, {}, 8).squared_error, error);
}

TEST_F(AutoencoderObjectiveTest, EachGradientIsCompleteOnceWithTheLastClip) {
  Model model(config());
  std::map<std::int64_t, int> complete, all;
  run(model, {{0, 1}, {3}}, [&](std::int64_t tag, bool last) {
    ++all[tag];
    complete[tag] += last ? 1 : 0;
  });
  EXPECT_EQ(std::ssize(all), std::ssize(model.parameters.list()));
  for (const auto& [tag, count] : all) {
    EXPECT_EQ(count, 3);
    EXPECT_EQ(complete[tag], 1);
  }
}

TEST_F(AutoencoderObjectiveTest, AClipWhoseLossIsNoNumberIsNamed) {
  Model model(config());
  model.parameters.find("decoder.out.bias")->var.value().data<float>()[0] =
      std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run(model, {{1}}).bad_clips, std::vector<std::int64_t>{1});
}

}  // namespace
}  // namespace muybridge
