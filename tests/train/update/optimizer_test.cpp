#include "train/update/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using testing::same_bits;

constexpr double kRate = 0.05;

TrainConfig::Optimizer options() {
  TrainConfig::Optimizer options;
  options.beta1 = 0.8;
  options.beta2 = 0.9;
  options.eps = 1e-3;
  options.weight_decay = 0.2;
  options.clip_norm = 0;
  options.ema_decay = 0.75;
  options.ema_warmup = false;
  return options;
}

// Two that decay and lie together, then one that does not, then one that does.
struct Weights {
  Parameters parameters;

  explicit Weights(DType compute = DType::kF32) {
    const auto add = [&](const char* name, const Shape& shape, bool decay, bool wide) {
      parameters.add(
          {.name = name, .shape = shape, .init = Normal{1.0F}, .decay = decay, .wide = wide});
    };
    add("a", {6, 7}, true, false);
    add("b", {3}, true, true);
    add("bias", {5}, false, false);
    add("c", {4, 4}, true, false);
    parameters.allocate(compute, 3);
  }

  void draw_gradients(std::int64_t step) const {
    const RandomStream stream(5, Purpose::kTest, static_cast<std::uint64_t>(step));
    for (const Parameter& parameter : parameters.list()) {
      const Tensor part = parameters.slice(parameters.gradients(), parameter);
      for (std::int64_t i = 0; i < part.numel(); ++i)
        part.data<float>()[i] = stream.normal(static_cast<std::uint64_t>(parameter.offset + i));
    }
  }
};

// AdamW as Loshchilov and Hutter write it down (2019, algorithm 2), of one number.
struct Reference {
  double weight = 0, momentum = 0, variance = 0, average = 0;

  void step(std::int64_t n, double gradient, double decay) {
    momentum = 0.8 * momentum + 0.2 * gradient;
    variance = 0.9 * variance + 0.1 * gradient * gradient;
    const auto count = static_cast<double>(n);
    const double mean = momentum / (1 - std::pow(0.8, count));
    const double square = variance / (1 - std::pow(0.9, count));
    weight -= kRate * (mean / (std::sqrt(square) + 1e-3) + decay * weight);
    average = 0.75 * average + 0.25 * weight;
  }
};

TEST(Optimizer, FollowsAdamWOfEachNumberAndDecaysThoseThatSaySo) {
  constexpr double kTolerance = 1e-5, kScale = 0.5, kClip = 0.5;
  TrainConfig::Optimizer clipped = options();
  clipped.clip_norm = 2;
  const Weights weights;
  const Parameters& parameters = weights.parameters;
  const Optimizer optimizer(parameters, clipped, Mesh(solo_group()));
  std::vector<Reference> expected, otherwise;  // without decay, or with where there is none
  for (const float weight : parameters.master().to_vector<float>())
    expected.push_back({.weight = weight, .average = weight});
  otherwise = expected;
  for (std::int64_t n = 1; n <= 8; ++n) {
    weights.draw_gradients(n);
    const std::vector<float> gradients = parameters.gradients().to_vector<float>();
    optimizer.step(n, kRate, kScale, /*norm=*/clipped.clip_norm / kClip);
    for (const Parameter& parameter : parameters.list())
      for (std::int64_t i = parameter.offset; i < parameter.offset + parameter.spec.shape.numel();
           ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double gradient = kScale * kClip * gradients[at];
        expected[at].step(n, gradient, parameter.spec.decay ? 0.2 : 0);
        otherwise[at].step(n, gradient, parameter.spec.decay ? 0 : 0.2);
      }
  }
  for (const Parameter& parameter : parameters.list()) {
    double moved = 0;
    for (std::int64_t i = parameter.offset; i < parameter.offset + parameter.spec.shape.numel();
         ++i) {
      const Reference& want = expected[static_cast<std::size_t>(i)];
      EXPECT_NEAR(parameters.master().data<float>()[i], want.weight, kTolerance)
          << parameter.spec.name;
      EXPECT_NEAR(optimizer.momentum().data<float>()[i], want.momentum, kTolerance);
      EXPECT_NEAR(optimizer.variance().data<float>()[i], want.variance, kTolerance);
      EXPECT_NEAR(optimizer.average().data<float>()[i], want.average, kTolerance);
      moved =
          std::max(moved, std::abs(want.weight - otherwise[static_cast<std::size_t>(i)].weight));
    }
    EXPECT_GT(moved, 1000 * kTolerance) << parameter.spec.name << ": decay would not be seen";
  }
}

// The means begin at zero: without the correction it would be 1.4 of it.
TEST(Optimizer, TheFirstStepIsAsLongAsTheLearningRateWhateverTheGradient) {
  TrainConfig::Optimizer plain = options();
  plain.weight_decay = 0;
  plain.eps = 1e-30;
  const Weights weights;
  const Optimizer optimizer(weights.parameters, plain, Mesh(solo_group()));
  const std::vector<float> before = weights.parameters.master().to_vector<float>();
  weights.draw_gradients(1);
  const std::vector<float> gradients = weights.parameters.gradients().to_vector<float>();
  optimizer.step(1, kRate, 1e-4, 1);
  const std::vector<float> after = weights.parameters.master().to_vector<float>();
  for (const Parameter& parameter : weights.parameters.list()) {
    const auto begin = static_cast<std::size_t>(parameter.offset);
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(parameter.spec.shape.numel());
         ++i)
      EXPECT_NEAR(before[i] - after[i], std::copysign(kRate, gradients[i]), 1e-6);
  }
}

TEST(Optimizer, TheAverageFollowsCloselyAtFirstAndThenAsItIsTold) {
  TrainConfig::Optimizer warm = options();
  warm.ema_warmup = true;
  const Weights weights;
  const Optimizer optimizer(weights.parameters, warm, Mesh(solo_group()));
  std::vector<double> expected;
  for (const float weight : weights.parameters.master().to_vector<float>())
    expected.push_back(weight);
  for (std::int64_t n = 1; n <= 40; ++n) {
    weights.draw_gradients(n);
    optimizer.step(n, kRate, 1, 1);
    // 2/11, 3/12, ... and from the 26th on 0.75.
    const double decay =
        n < 26 ? (1.0 + static_cast<double>(n)) / (10.0 + static_cast<double>(n)) : 0.75;
    const std::vector<float> master = weights.parameters.master().to_vector<float>();
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] = decay * expected[i] + (1 - decay) * master[i];
  }
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(optimizer.average().data<float>()[i], expected[i], 1e-5);
  weights.parameters.master().fill_zero();
  optimizer.restart_average();
  EXPECT_TRUE(same_bits(optimizer.average(), weights.parameters.master()));
}

TEST(Optimizer, TheNormIsThatOfAllGradientsTimesTheScale) {
  const Weights weights;
  const Optimizer optimizer(weights.parameters, options(), Mesh(solo_group()));
  weights.draw_gradients(1);
  double sum = 0;
  for (const float gradient : weights.parameters.gradients().to_vector<float>())
    sum += static_cast<double>(gradient) * gradient;
  EXPECT_NEAR(optimizer.gradient_norm(0.25), 0.25 * std::sqrt(sum), 1e-6 * std::sqrt(sum));
}

TEST(Optimizer, FrozenWeightsStayAndTheOthersStepAsWithoutThem) {
  for (const auto matrices : {TrainConfig::Matrices::kAdamW, TrainConfig::Matrices::kMuon}) {
    TrainConfig::Optimizer chosen = options();
    chosen.matrices = matrices;
    const auto make = [&](bool with_frozen) {
      auto parameters = std::make_unique<Parameters>();
      const auto add = [&](const char* name) {
        return parameters->add(
            {.name = name, .shape = {6, 7}, .init = Normal{1.0F}, .decay = true, .hidden = true});
      };
      add("a");
      if (with_frozen) parameters->freeze(add("base"));
      add("c");
      parameters->allocate(DType::kF32, 3);
      if (with_frozen) parameters->fill(*parameters->find("base"), Tensor::full({6, 7}, 0.5));
      const Optimizer optimizer(*parameters, chosen, Mesh(solo_group()));
      parameters->gradients().copy_from(Tensor::full({parameters->flat_size()}, 0.25));
      optimizer.step(1, kRate, 1, optimizer.gradient_norm(1));
      return parameters;
    };
    const auto with = make(true), without = make(false);
    for (const char* name : {"a", "c"})
      EXPECT_TRUE(same_bits(with->find(name)->var.value(), without->find(name)->var.value()));
    EXPECT_EQ(with->find("base")->var.value().to_vector<float>(), std::vector<float>(42, 0.5F));
  }
}

TEST(Optimizer, GradientsAreShortenedToTheClipNormAndNeverLengthened) {
  for (const double norm : {1.0, 4.0}) {
    TrainConfig::Optimizer clipped = options();
    clipped.clip_norm = 2;
    const Weights weights;
    const Optimizer optimizer(weights.parameters, clipped, Mesh(solo_group()));
    weights.draw_gradients(1);
    const std::vector<float> gradients = weights.parameters.gradients().to_vector<float>();
    optimizer.step(1, kRate, 1, norm);
    for (std::size_t i = 0; i < gradients.size(); ++i)
      EXPECT_NEAR(optimizer.momentum().data<float>()[i],
                  0.2 * gradients[i] * (norm > 2 ? 0.5 : 1.0), 1e-6);
  }
}

TEST(Optimizer, MastersOfABf16ModelAreThoseOfAnF32One) {
  const Weights wide, narrow(DType::kBF16);
  const Optimizer of_wide(wide.parameters, options(), Mesh(solo_group())),
      of_narrow(narrow.parameters, options(), Mesh(solo_group()));
  // Steps far below what bf16 can show of a weight near 1.
  constexpr double kSmall = 1e-4;
  for (std::int64_t n = 1; n <= 20; ++n) {
    wide.draw_gradients(n);
    narrow.draw_gradients(n);
    of_wide.step(n, kSmall, 1, 1);
    of_narrow.step(n, kSmall, 1, 1);
  }
  const Parameters& parameters = narrow.parameters;
  EXPECT_EQ(parameters.master().dtype(), DType::kF32);
  EXPECT_TRUE(same_bits(parameters.master(), wide.parameters.master()));
  EXPECT_TRUE(same_bits(of_narrow.average(), of_wide.average()));
  EXPECT_TRUE(same_bits(parameters.compute(), parameters.master().to(DType::kBF16)));
  // One computes with the master itself.
  const Tensor& value = parameters.find("b")->var.value();
  EXPECT_EQ(value.raw(), parameters.slice(parameters.master(), *parameters.find("b")).raw());
}

// The state is written in shares that cut parameters anywhere, and read by another number of ranks.
TEST(Optimizer, GoesOnWithTheSameBitsFromTheSharesOfOtherRanks) {
  const testing::ScratchFolder folder;
  const auto state_of = [](const Parameters& parameters, const Optimizer& optimizer,
                           const FlatRanges& wanted) {
    TrainState state{.catalogue = catalogue_of(parameters)};
    for (const FlatTensor& tensor : {FlatTensor{StateKind::kMaster, parameters.master()},
                                     {StateKind::kMomentum, optimizer.momentum()},
                                     {StateKind::kVariance, optimizer.variance()},
                                     {StateKind::kEma, optimizer.average()}})
      for (const StatePiece& piece : state_pieces(parameters, tensor, wanted))
        state.pieces.push_back(piece);
    return state;
  };
  const auto train = [](const Weights& weights, const Optimizer& optimizer, std::int64_t from,
                        std::int64_t to) {
    for (std::int64_t n = from; n <= to; ++n) {
      weights.draw_gradients(n);
      optimizer.step(n, kRate, 1, 1);
    }
  };
  const Weights whole;
  const Optimizer of_whole(whole.parameters, options(), Mesh(solo_group()));
  train(whole, of_whole, 1, 6);
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    const Weights weights;
    const Optimizer optimizer(weights.parameters, options(), Mesh(group));
    train(weights, optimizer, 1, 3);
    TrainState state =
        state_of(weights.parameters, optimizer,
                 {even_share(weights.parameters.flat_size(), group->rank(), group->size())});
    state.step = 3;
    save_checkpoint(folder.path(), state, *group);
  });
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const Weights weights;
    weights.parameters.master().fill_zero();
    const Optimizer optimizer(weights.parameters, options(), Mesh(group));
    TrainState state =
        state_of(weights.parameters, optimizer, {{0, weights.parameters.flat_size()}});
    load_checkpoint(CheckpointReader(folder.path() / commit_name(3)), state);
    train(weights, optimizer, 4, 6);
    EXPECT_TRUE(same_bits(weights.parameters.master(), whole.parameters.master()));
    EXPECT_TRUE(same_bits(optimizer.momentum(), of_whole.momentum()));
    EXPECT_TRUE(same_bits(optimizer.variance(), of_whole.variance()));
    EXPECT_TRUE(same_bits(optimizer.average(), of_whole.average()));
  });
}

}  // namespace
}  // namespace muybridge
