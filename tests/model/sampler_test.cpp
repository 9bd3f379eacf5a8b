#include "model/sampler.h"

#include <cmath>

#include "model/integrator.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

// Only features of the time that turn slower than once, so that few steps resolve them.
void slow_down(const TinyDit& model) {
  const Tensor weight = model.parameters.find("time_embedding.0.weight")->var.value();
  for (std::int64_t row = 0; row < weight.shape()[0]; ++row)
    for (int feature = 0; feature < 256; ++feature)
      if (feature % 128 < 96) weight.data<float>()[row * 256 + feature] = 0;
}

const std::vector<ClipRequest> kTwoClips = {
    {.prompt = "a red ball", .seed = 1, .grid = {.frames = 2, .height = 2, .width = 3}},
    {.prompt = "blue", .seed = 2, .grid = {.frames = 1, .height = 3, .width = 2}}};

std::vector<double> sample(const TinyDit& model, const std::vector<ClipRequest>& requests,
                           const SamplerOptions& options) {
  return sample_clips(model.dit, requests, options).to(DType::kF64).to_vector<double>();
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

// Halving the step halves the error of a first-order method and quarters that of a second-order
// one. Those that tell a model whole thousandths: tests/model/integrator_test.cpp.
TEST(Sampler, ASolverHasTheOrderThatItClaims) {
  const TinyDit model;
  slow_down(model);
  const auto run = [&](Solver solver, int steps) {
    return sample(model, kTwoClips, {.solver = solver, .steps = steps, .guidance = 2, .shift = 1});
  };
  const std::vector<double> exact = run(Solver::kHeun, 512);
  const struct {
    Solver solver;
    double order;
  } cases[] = {{Solver::kEuler, 1}, {Solver::kHeun, 2}, {Solver::kAb2, 2}};
  for (const auto& [solver, order] : cases) {
    const double coarse = distance(run(solver, 32), exact), fine = distance(run(solver, 64), exact);
    EXPECT_GT(fine, 1e-6) << "lost in rounding";
    EXPECT_NEAR(std::log2(coarse / fine), order, 0.35) << static_cast<int>(solver);
  }
}

TEST(Sampler, WalksItsSolversTimesAndTellsTheModelWhatItsSolverTells) {
  const TinyDit model;
  const ClipRequest& clip = kTwoClips[0];
  const EncodedText text = model.dit.encode_text(pack_captions({clip.prompt}, 64));
  const TokenLayout layout = model.dit.layout(Packing::of({clip.grid}));
  const auto by_hand = [&](Solver solver, const std::function<double(double)>& told) {
    const Tensor x = Tensor::empty({clip.grid.tokens(), model.dit.options.token_width()});
    fill_normal(RandomStream(clip.seed, Purpose::kSampling), x.data<float>(), x.numel());
    Integrator integrator(solver, sampling_times(solver, 6, 5));
    const NoGradScope no_grad;
    for (int step = 0; step < 6; ++step)
      integrator.step(x, [&](const Tensor& at, double time) {
        return model.dit.velocity(at, Tensor::full({1}, told(time)), text, layout);
      });
    return x.to(DType::kF64).to_vector<double>();
  };
  for (const Solver solver :
       {Solver::kEuler, Solver::kHeun, Solver::kAb2, Solver::kUniPc, Solver::kDpmpp2m}) {
    const auto rounded = [&](double time) { return told_time(solver, time); };
    const std::vector<double> drawn =
        sample(model, {clip}, {.solver = solver, .steps = 6, .guidance = 1, .shift = 5});
    EXPECT_LT(distance(drawn, by_hand(solver, rounded)), 1e-6) << title_of(solver);
    const double exact = distance(drawn, by_hand(solver, [](double time) { return time; }));
    if (solver == Solver::kUniPc || solver == Solver::kDpmpp2m) {
      EXPECT_GT(exact, 1e-4) << title_of(solver);
    }
  }
}

TEST(Sampler, AClipDoesNotDependOnTheOthersOfItsBatch) {
  const TinyDit model;
  for (const Solver solver : {Solver::kAb2, Solver::kUniPc}) {
    const SamplerOptions options{.solver = solver, .steps = 5, .guidance = 3};
    const std::vector<double> both = sample(model, kTwoClips, options);
    const std::vector<double> alone = sample(model, {kTwoClips[1]}, options);
    const std::vector<double> second(both.end() - std::ssize(alone), both.end());
    EXPECT_LT(distance(second, alone), 1e-5);
    EXPECT_GT(distance(second, std::vector<double>(alone.size())), 0.1);
  }
}

TEST(Sampler, GuidanceGoesFromTheEmptyPromptThroughThePrompt) {
  const TinyDit model;
  std::vector<ClipRequest> unprompted = kTwoClips;
  for (ClipRequest& request : unprompted) request.prompt.clear();
  const auto one_step = [&](const std::vector<ClipRequest>& requests, double guidance) {
    return sample(model, requests, {.steps = 1, .guidance = guidance});
  };
  const std::vector<double> with = one_step(kTwoClips, 1), without = one_step(unprompted, 1);
  ASSERT_GT(distance(with, without), 1e-3);
  std::vector<double> expected(with.size());
  for (std::size_t i = 0; i < with.size(); ++i)
    expected[i] = without[i] + 2.5 * (with[i] - without[i]);
  EXPECT_LT(distance(one_step(kTwoClips, 2.5), expected), 1e-5);
  EXPECT_LT(distance(one_step(kTwoClips, 0), without), 1e-5);
}

TEST(Sampler, GuidanceGoesAwayFromTheNegativePrompt) {
  const TinyDit model;
  std::vector<ClipRequest> away = kTwoClips, only = kTwoClips;
  for (ClipRequest& request : away) request.negative = "green";
  for (ClipRequest& request : only) request.prompt = "green";
  const std::vector<double> with = sample(model, kTwoClips, {.steps = 1, .guidance = 1});
  const std::vector<double> green = sample(model, only, {.steps = 1, .guidance = 1});
  std::vector<double> expected(with.size());
  for (std::size_t i = 0; i < with.size(); ++i) expected[i] = green[i] + 2.5 * (with[i] - green[i]);
  const std::vector<double> guided = sample(model, away, {.steps = 1, .guidance = 2.5});
  EXPECT_LT(distance(guided, expected), 1e-5);
  EXPECT_GT(distance(guided, sample(model, kTwoClips, {.steps = 1, .guidance = 2.5})), 1e-3);
}

TEST(Sampler, SaysHowItSamples) {
  EXPECT_EQ(describe({.solver = Solver::kAb2, .steps = 16, .guidance = 1.5}),
            "16 AB2 steps, guidance 1.5, shift 3");
}

TEST(Sampler, TheSeedAloneDecidesTheNoise) {
  const TinyDit model;
  std::vector<ClipRequest> requests = {kTwoClips[0], kTwoClips[0], kTwoClips[0]};
  requests[1].seed = 9;
  const std::vector<double> clips = sample(model, requests, {.steps = 3});
  const auto length = std::ssize(clips) / 3;
  const std::vector<double> first(clips.begin(), clips.begin() + length),
      other(clips.begin() + length, clips.begin() + 2 * length),
      again(clips.begin() + 2 * length, clips.end());
  EXPECT_LT(distance(first, again), 1e-5);
  EXPECT_GT(distance(first, other), 0.1);
}

TEST(Sampler, TellsItsProgressAndRefusesNoSteps) {
  const TinyDit model;
  std::vector<int> seen;
  sample_clips(model.dit, kTwoClips, {.steps = 3}, [&](int step, int steps) {
    EXPECT_EQ(steps, 3);
    seen.push_back(step);
  });
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_THROW(sample_clips(model.dit, kTwoClips, {.steps = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
