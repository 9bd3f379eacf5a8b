#include "model/dit.h"

#include <omp.h>

#include "core/ops/loss.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

using testing::random_tensor;

struct Example {
  Packing packing = Packing::of({{2, 2, 3}, {1, 3, 2}}, 20);
  PackedText text = pack_captions({"a red ball", ""}, 256);
  Tensor tokens = random_tensor({20, 8}, 1);
  Tensor target = random_tensor({20, 8}, 2);
  Tensor times = Tensor::of<double>({2}, {0.3, 0.8});

  Var loss(const Dit& dit) const {
    const TokenLayout layout = dit.layout(packing);
    const Var velocity = dit(tokens, times, dit.encode_text(text), layout);
    return squared_error(velocity, target, packing.offsets, 0.01).loss;
  }
};

class DitGradient : public ::testing::TestWithParam<Prediction> {};
INSTANTIATE_TEST_SUITE_P(Dit, DitGradient,
                         ::testing::Values(Prediction::kVelocity, Prediction::kClean));

TEST_P(DitGradient, OfEveryParameterMatchesFiniteDifferences) {
  DitOptions options = tiny_dit_options();
  options.prediction = GetParam();
  const TinyDit model(options, DType::kF64);
  const Example example;
  backward(example.loss(model.dit));
  const RandomStream pick(1, Purpose::kTest, 4);
  const auto value = [&] {
    const NoGradScope no_grad;
    return example.loss(model.dit).value().item();
  };
  for (const Parameter& parameter : model.parameters.list()) {
    double* const x = parameter.var.value().data<double>();
    const double* const gradient = parameter.var.grad().data<double>();
    double largest = 0;
    for (int draw = 0; draw < 6; ++draw) {
      const std::int64_t i = pick.integer(draw, 0, parameter.spec.shape.numel() - 1);
      const double before = x[i];
      x[i] = before + 1e-5;
      const double above = value();
      x[i] = before - 1e-5;
      const double below = value();
      x[i] = before;
      const double expected = (above - below) / 2e-5;
      EXPECT_NEAR(gradient[i], expected, 1e-7 * (1 + std::abs(expected)))
          << parameter.spec.name << " element " << i;
      largest = std::max(largest, std::abs(gradient[i]));
    }
    if (parameter.spec.name.find("embedding") == std::string::npos) {
      EXPECT_GT(largest, 0) << parameter.spec.name << " has no gradient";
    }
  }
}

// The gradients of the others keep their bits, whichever are frozen and whatever is made again.
TEST(Dit, FrozenParametersGetNoGradientAndChangeNoOther) {
  const Example example;
  for (const Recompute recompute : {Recompute::kNone, Recompute::kAttention, Recompute::kBlock}) {
    DitOptions options = tiny_dit_options();
    options.recompute = recompute;
    const TinyDit all(options, DType::kF64);
    backward(example.loss(all.dit));
    for (const std::size_t every : {2, 3, 5, 7}) {
      Parameters parameters;
      const Dit dit(parameters, options);
      const auto frozen = [&](const Parameter& parameter) {
        return (&parameter - parameters.list().data()) % static_cast<std::ptrdiff_t>(every) != 0;
      };
      for (const Parameter& parameter : parameters.list())
        if (frozen(parameter)) parameters.freeze(parameter.var);
      parameters.allocate(DType::kF64, 5);
      for (const Parameter& parameter : parameters.list())
        parameters.fill(parameter, all.parameters.find(parameter.spec.name)->var.value());
      std::int64_t ready = 0, trained = 0;
      backward(example.loss(dit), {}, {.on_leaf_ready = [&](std::int64_t) { ++ready; }});
      for (const Parameter& parameter : parameters.list()) {
        ASSERT_EQ(parameter.var.grad().defined(), !frozen(parameter)) << parameter.spec.name;
        if (frozen(parameter)) continue;
        ++trained;
        EXPECT_EQ(parameter.var.grad().to_vector<double>(),
                  all.parameters.find(parameter.spec.name)->var.grad().to_vector<double>())
            << parameter.spec.name;
      }
      EXPECT_EQ(ready, trained);
    }
  }
}

// All ops of a step, forward and backward, with and without the clean clip as what is predicted.
TEST(Dit, AStepTakesNoMemoryInsideParallelLoops) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(2);
  const Example example;
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64})
    for (const Prediction prediction : {Prediction::kVelocity, Prediction::kClean}) {
      DitOptions options = tiny_dit_options();
      options.prediction = prediction;
      const TinyDit model(options, dtype);
      const std::uint64_t before = pool_statistics(Device::kCpu).taken_in_parallel;
      const DType wide = accumulator_of(dtype);
      const Var velocity =
          model.dit(example.tokens.to(wide), example.times.to(wide),
                    model.dit.encode_text(example.text), model.dit.layout(example.packing));
      backward(
          squared_error(velocity, example.target.to(wide), example.packing.offsets, 0.01).loss);
      EXPECT_EQ(pool_statistics(Device::kCpu).taken_in_parallel, before) << name_of(dtype);
    }
  omp_set_num_threads(threads);
}

TEST(Dit, AClipDoesNotSeeItsNeighboursInThePacking) {
  const TinyDit model;
  const NoGradScope no_grad;
  const Tensor tokens = random_tensor({20, 8}, 1, DType::kF32);
  const auto run = [&](const std::vector<Grid>& grids, const std::vector<std::string>& captions,
                       const std::vector<float>& times, const Tensor& x) {
    const PackedText text = pack_captions(captions, 256);
    const TokenLayout layout = model.dit.layout(Packing::of(grids));
    return model
        .dit(x, Tensor::of<float>({static_cast<std::int64_t>(times.size())}, times),
             model.dit.encode_text(text), layout)
        .value();
  };
  const Tensor both = run({{2, 2, 3}, {1, 4, 2}}, {"a red ball", "blue"}, {0.3F, 0.9F}, tokens);
  const Tensor alone = run({{1, 4, 2}}, {"blue"}, {0.9F}, tokens.rows(12, 8).clone());
  for (int i = 0; i < 64; ++i)
    EXPECT_NEAR(both.data<float>()[12 * 8 + i], alone.data<float>()[i], 2e-5);
}

TEST(Dit, KeptKeysOfTheTextChangeNothing) {
  const TinyDit model;
  const Example example;
  const NoGradScope no_grad;
  const TokenLayout layout = model.dit.layout(example.packing);
  EncodedText text = model.dit.encode_text(example.text);
  const auto run = [&] {
    return model.dit(example.tokens.to(DType::kF32), example.times.to(DType::kF32), text, layout)
        .value()
        .rows(0, 18)
        .to_vector<float>();
  };
  const std::vector<float> before = run();
  model.dit.precompute_keys(text);
  ASSERT_EQ(text.keys.size(), 2U);
  EXPECT_EQ(run(), before);
}

// The head's sums, the velocity and the loss of a bf16 model: nothing is rounded between them.
TEST(Dit, ABf16ModelsVelocityIsF32FromTheHeadToTheLoss) {
  DitOptions options = tiny_dit_options();
  options.prediction = Prediction::kClean;
  const TinyDit model(options, DType::kBF16);
  for (const char* name : {"head.projection.weight", "head.projection.bias"})
    model.parameters.find(name)->var.value().fill_zero();
  const Example example;
  const NoGradScope no_grad;
  const TokenLayout layout = model.dit.layout(example.packing);
  const Tensor tokens = example.tokens.to(DType::kF32), times = example.times.to(DType::kF32);
  const Var velocity = model.dit(tokens, times, model.dit.encode_text(example.text), layout);
  ASSERT_EQ(velocity.value().dtype(), DType::kF32);
  double loss = 0;
  for (int i = 0; i < 18 * 8; ++i) {
    const double time = static_cast<double>(times.data<float>()[i / 8 < 12 ? 0 : 1]);
    const double expected = static_cast<double>(tokens.data<float>()[i]) / time;
    ASSERT_NEAR(velocity.value().data<float>()[i], expected, 1e-6 * (1 + std::abs(expected)));
    loss += std::pow(
        expected - static_cast<double>(example.target.to(DType::kF32).data<float>()[i]), 2);
  }
  const double got =
      squared_error(velocity, example.target.to(DType::kF32), example.packing.offsets, 1.0)
          .loss.value()
          .item();
  EXPECT_NEAR(got, loss, 1e-5 * loss);
}

TEST(Dit, TheHeadsSumsAreNotRoundedToBf16) {
  const TinyDit model(tiny_dit_options(), DType::kBF16);
  const Example example;
  const NoGradScope no_grad;
  const Tensor velocity =
      model
          .dit(example.tokens.to(DType::kF32), example.times.to(DType::kF32),
               model.dit.encode_text(example.text), model.dit.layout(example.packing))
          .value();
  int rounded = 0;
  for (const float value : velocity.rows(0, 18).span<float>())
    rounded += static_cast<float>(bf16(value)) == value;
  EXPECT_LT(rounded, 18 * 8 / 20);
}

TEST(Dit, Bf16FollowsF32WithinItsRounding) {
  const TinyDit wide, narrow(tiny_dit_options(), DType::kBF16);
  const Example example;
  const auto run = [&](const Dit& dit) {
    const NoGradScope no_grad;
    const TokenLayout layout = dit.layout(example.packing);
    return dit(example.tokens.to(DType::kF32), example.times.to(DType::kF32),
               dit.encode_text(example.text), layout)
        .value()
        .to(DType::kF64)
        .rows(0, 18)
        .to_vector<double>();
  };
  const std::vector<double> a = run(wide.dit), b = run(narrow.dit);
  double error = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    error += (a[i] - b[i]) * (a[i] - b[i]), size += a[i] * a[i];
  EXPECT_LT(std::sqrt(error / size), 0.05);
  EXPECT_GT(std::sqrt(error / size), 0.0);
}

}  // namespace
}  // namespace muybridge
