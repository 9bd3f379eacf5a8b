#include <gtest/gtest.h>

#include "core/ops/update/muon.h"
#include "core/random.h"
#include "parallel/host/local_ranks.h"
#include "train/update/optimizer.h"

namespace muybridge {
namespace {

constexpr double kRate = 0.02, kDecay = 0.1;

TrainConfig::Optimizer options(TrainConfig::Matrices matrices) {
  TrainConfig::Optimizer options;
  options.matrices = matrices;
  options.weight_decay = kDecay;
  options.matrix_rate = 1.5;
  options.momentum = 0.9;
  options.clip_norm = 0;
  options.ema_decay = 0.75;
  options.ema_warmup = false;
  return options;
}

// A vector between matrices of several sizes, of which the last is no hidden one.
struct Weights {
  Parameters parameters;

  Weights() {
    const auto matrix = [&](const std::string& name, const Shape& shape, bool hidden) {
      parameters.add(
          {.name = name, .shape = shape, .init = Normal{1.0F}, .decay = true, .hidden = hidden});
    };
    matrix("a", {8, 8}, true);
    parameters.add({.name = "bias", .shape = {5}, .init = Normal{1.0F}});
    matrix("b", {24, 8}, true);
    matrix("c", {3, 17}, true);
    matrix("head", {6, 8}, false);
    parameters.allocate(DType::kF32, 3);
  }

  void draw_gradients(std::uint64_t step) const {
    const Tensor& gradients = parameters.gradients();
    fill_normal(RandomStream(5, Purpose::kTest, step), gradients.data<float>(), gradients.numel());
  }
  std::vector<float> of(const Tensor& flat, const std::string& name) const {
    return parameters.slice(flat, *parameters.find(name)).to_vector<float>();
  }
};

TEST(MuonOptimizer, StepsHiddenMatricesAlongTheirOrthogonalMomentum) {
  const Weights weights;
  const Optimizer optimizer(weights.parameters, options(TrainConfig::Matrices::kMuon),
                            Mesh(solo_group("one")));
  weights.draw_gradients(1);
  const Parameter& b = *weights.parameters.find("b");
  const Tensor momentum = Tensor::zeros(b.spec.shape),
               before = weights.parameters.slice(weights.parameters.master(), b).clone();
  const Tensor direction = weights.parameters.slice(weights.parameters.gradients(), b).clone();
  muon_momentum(momentum, direction, 0.9, 0.5);
  const Tensor straight = orthogonalize(direction);
  optimizer.step(1, kRate, 0.5, 1.0);
  const std::vector<float> after = weights.of(weights.parameters.master(), "b");
  const std::vector<float> average = weights.of(optimizer.average(), "b");
  for (std::size_t i = 0; i < after.size(); ++i) {
    const double old = before.data<float>()[i];
    const double want =
        old - 1.5 * kRate * (0.2 * std::sqrt(24.0) * straight.data<float>()[i] + kDecay * old);
    EXPECT_NEAR(after[i], want, 1e-6) << i;
    EXPECT_NEAR(average[i], 0.75 * old + 0.25 * want, 1e-6) << i;
  }
  EXPECT_EQ(weights.of(optimizer.variance(), "b"), std::vector<float>(after.size()));
}

TEST(MuonOptimizer, LeavesAllElseToAdamW) {
  const Weights muons, adams;
  const Optimizer muon(muons.parameters, options(TrainConfig::Matrices::kMuon),
                       Mesh(solo_group("one")));
  const Optimizer adamw(adams.parameters, options(TrainConfig::Matrices::kAdamW),
                        Mesh(solo_group("one")));
  for (std::uint64_t step = 1; step <= 3; ++step) {
    muons.draw_gradients(step);
    adams.draw_gradients(step);
    muon.step(static_cast<std::int64_t>(step), kRate, 1.0, 1.0);
    adamw.step(static_cast<std::int64_t>(step), kRate, 1.0, 1.0);
  }
  const auto master = [](const Weights& weights, const std::string& name) {
    return weights.of(weights.parameters.master(), name);
  };
  for (const std::string name : {"bias", "head"})
    EXPECT_EQ(master(muons, name), master(adams, name));
  for (const std::string name : {"a", "b", "c"})
    EXPECT_NE(master(muons, name), master(adams, name));
}

TEST(MuonOptimizer, SharesItsWorkAmongRanksWithTheBitsOfOne) {
  const auto weights_after = [](int ranks) {
    std::vector<std::vector<float>> masters(static_cast<std::size_t>(ranks));
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      const Weights weights;
      const Optimizer optimizer(weights.parameters, options(TrainConfig::Matrices::kMuon),
                                Mesh(group));
      for (std::uint64_t step = 1; step <= 3; ++step) {
        weights.draw_gradients(step);
        optimizer.step(static_cast<std::int64_t>(step), kRate, 1.0, 1.0);
      }
      masters[static_cast<std::size_t>(group->rank())] =
          weights.parameters.master().to_vector<float>();
    });
    return masters;
  };
  const std::vector<float> one = weights_after(1).front();
  for (const int ranks : {2, 3, 5})
    for (const std::vector<float>& master : weights_after(ranks)) EXPECT_EQ(master, one) << ranks;
}

}  // namespace
}  // namespace muybridge
