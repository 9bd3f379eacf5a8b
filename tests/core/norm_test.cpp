#include "core/ops/norm.h"

#include "core/ops/activation.h"
#include "core/ops/residual.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

ClipRows two_clips() {
  return {.clip_of = Tensor::of<std::int32_t>({7}, {0, 0, 0, 1, 1, 1, 1}), .offsets = {0, 3, 6}};
}

TEST(NormModulate, GradientMatchesFiniteDifferencesAndSlackGetsNone) {
  const ClipRows clips = two_clips();
  const Tensor used_only = Tensor::zeros({7, 10}, DType::kF64);
  expect_gradients(
      [&](Inputs in) {
        const Var y = norm_modulate(in[0], in[1], 1, 0, clips, 1e-6);
        return Var::op(y.value().rows(0, 6).clone(), {y}, [](Inputs inputs, const Tensor& dy) {
          const Tensor whole = random_tensor({7, 10}, 3);  // whatever lies in slack must not count
          whole.rows(0, 6).copy_from(dy);
          inputs[0].add_grad(whole);
        });
      },
      {random_tensor({7, 10}, 1), random_tensor({2, 3, 10}, 2)});
}

TEST(NormModulate, MatchesItsDefinition) {
  const Tensor x = random_tensor({7, 16}, 1), table = random_tensor({2, 2, 16}, 2);
  const Var y = norm_modulate(Var::constant(x), Var::constant(table), 0, 1, two_clips(), 1e-6);
  for (int row = 0; row < 6; ++row) {
    double mean = 0, variance = 0;
    for (int j = 0; j < 16; ++j) mean += x.data<double>()[row * 16 + j] / 16;
    for (int j = 0; j < 16; ++j)
      variance += std::pow(x.data<double>()[row * 16 + j] - mean, 2) / 16;
    for (int j = 0; j < 16; ++j) {
      const double xhat = (x.data<double>()[row * 16 + j] - mean) / std::sqrt(variance + 1e-6);
      const double* entry = table.data<double>() + (row < 3 ? 0 : 32);
      EXPECT_NEAR(y.value().data<double>()[row * 16 + j], xhat * (1 + entry[16 + j]) + entry[j],
                  1e-12);
    }
  }
}

TEST(LayerNorm, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return layer_norm(in[0], in[1], in[2], 1e-6); },
                   {random_tensor({70, 6}, 1), random_tensor({6}, 2), random_tensor({6}, 3)});
}

TEST(RmsNorm, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return rms_norm(in[0], in[1], 1e-6); },
                   {random_tensor({70, 6}, 1), random_tensor({6}, 2)});
}

TEST(RmsNorm, RejectsAWeightOfAnotherWidth) {
  EXPECT_THROW(
      rms_norm(Var::constant(random_tensor({2, 6}, 1)), Var::constant(random_tensor({5}, 2)), 1e-6),
      std::invalid_argument);
}

// Values and gradients of bf16 operands against those of the same numbers in f64: arithmetic is
// f32, so only what is bf16 in the end is off, by the 2^-8 of a number that 8 bits are.
TEST(NormModulate, Bf16IsOffByOneRounding) {
  const Tensor x = random_tensor({7, 32}, 1, DType::kBF16),
               table = random_tensor({2, 2, 32}, 2, DType::kF32),
               dy = random_tensor({7, 32}, 3, DType::kBF16);
  const auto run = [&](DType dtype) {
    const Var in[] = {Var::leaf(x.to(dtype)), Var::leaf(table.to(accumulator_of(dtype)))};
    const Var y = norm_modulate(in[0], in[1], 0, 1, two_clips(), 1e-6);
    backward(y, dy.to(dtype));
    return std::vector<Tensor>{y.value().rows(0, 6).to(DType::kF64),
                               in[0].grad().rows(0, 6).to(DType::kF64),
                               in[1].grad().to(DType::kF64)};
  };
  const std::vector<Tensor> narrow = run(DType::kBF16), wide = run(DType::kF64);
  for (int n = 0; n < 3; ++n)
    for (std::int64_t i = 0; i < wide[n].numel(); ++i) {
      const double want = wide[n].data<double>()[i];
      EXPECT_NEAR(narrow[n].data<double>()[i], want, 2e-6 + (n < 2 ? 0x1p-8 * std::abs(want) : 0))
          << "tensor " << n << ", element " << i;
    }
}

// The three norms, of x [7, 16] and what they take besides.
struct Norm {
  const char* name;
  std::vector<Tensor> others;
  std::function<Var(Inputs)> run;
};
std::vector<Norm> norms(DType dtype) {
  return {{"norm_modulate",
           {random_tensor({2, 3, 16}, 2, accumulator_of(dtype))},
           [](Inputs in) { return norm_modulate(in[0], in[1], 1, 0, two_clips(), 1e-6); }},
          {"layer_norm",
           {random_tensor({16}, 2, dtype), random_tensor({16}, 3, dtype)},
           [](Inputs in) { return layer_norm(in[0], in[1], in[2], 1e-6); }},
          {"rms_norm", {random_tensor({16}, 2, dtype)}, [](Inputs in) {
             return rms_norm(in[0], in[1], 1e-6);
           }}};
}

Var without_slack(const Var& x) {
  return Var::op(x.value().rows(0, 6).clone(), {x}, [](Inputs in, const Tensor& dy) {
    const Tensor whole = Tensor::zeros(in[0].shape(), dy.dtype());
    whole.rows(0, 6).copy_from(dy);
    in[0].add_grad(whole);
  });
}

TEST(Norms, AddToAGradientThatCameBeforeAndTakeOneThatComesAfter) {
  for (const Norm& norm : norms(DType::kF64)) {
    SCOPED_TRACE(norm.name);
    std::vector<Tensor> inputs{random_tensor({7, 16}, 1)};
    inputs.insert(inputs.end(), norm.others.begin(), norm.others.end());
    expect_gradients([&](Inputs in) { return without_slack(add(norm.run(in), in[0])); }, inputs);
    expect_gradients(
        [&](Inputs in) {
          const Var walked_last = silu(in[0]);
          return without_slack(add(walked_last, norm.run(in)));
        },
        inputs);
  }
}

// The stream's gradient, which is f32, and the norm's: nothing is rounded to bf16 on the way.
TEST(Norms, InBf16AddWithoutARoundingBetween) {
  const Tensor x = random_tensor({7, 16}, 1, DType::kBF16),
               dy = random_tensor({7, 16}, 4, DType::kBF16);
  for (std::size_t n = 0; n < 3; ++n) {
    const auto grad_of = [&](DType dtype, Tensor given) {
      const Norm norm = norms(DType::kBF16)[n];
      std::vector<Var> in{Var::leaf(x.to(dtype), std::move(given))};
      for (const Tensor& each : norm.others)
        in.push_back(
            Var::constant(each.to(each.dtype() == DType::kBF16 ? dtype : accumulator_of(dtype))));
      backward(add(norm.run(in), in[0]), dy.to(dtype));
      return in[0].grad();
    };
    const Tensor want = grad_of(DType::kF64, {});
    for (const Tensor& given : {Tensor{}, Tensor::zeros({7, 16}, DType::kF32)}) {
      const Tensor got = grad_of(DType::kBF16, given);
      ASSERT_EQ(got.dtype(), DType::kF32);
      for (std::int64_t i = 0; i < 6 * 16; ++i)
        EXPECT_NEAR(got.data<float>()[i], want.data<double>()[i], 5e-6)
            << norms(DType::kBF16)[n].name << ", element " << i;
    }
  }
}

// As a leaf whose gradients are reduced in bf16 has it.
TEST(Norms, AddToAGradientOfANarrowerType) {
  const Tensor x = random_tensor({7, 16}, 1, DType::kF32),
               weight = random_tensor({16}, 2, DType::kF32);
  const Var wide = Var::leaf(x), narrow = Var::leaf(x, Tensor::zeros({7, 16}, DType::kBF16));
  for (const Var& in : {wide, narrow}) backward(rms_norm(in, Var::constant(weight), 1e-6));
  ASSERT_EQ(narrow.grad().dtype(), DType::kBF16);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const float want = wide.grad().data<float>()[i];
    EXPECT_NEAR(static_cast<float>(narrow.grad().data<bf16>()[i]), want,
                0x1p-8F * std::abs(want) + 1e-30F);
  }
}

TEST(NormModulate, LeavesTheGradientOfSlackAsItIs) {
  const Tensor table = random_tensor({2, 3, 16}, 2);
  const Var x = Var::leaf(random_tensor({7, 16}, 1), Tensor::full({7, 16}, 5.0, DType::kF64));
  backward(norm_modulate(x, Var::constant(table), 1, 0, two_clips(), 1e-6));
  for (int j = 0; j < 16; ++j) {
    EXPECT_EQ(x.grad().data<double>()[6 * 16 + j], 5.0);
    EXPECT_NE(x.grad().data<double>()[j], 5.0);
  }
}

TEST(Norms, MakeTheGradientsOfOthersWhereNobodyWantsThatOfX) {
  for (const Norm& norm : norms(DType::kF64)) {
    const Tensor x = random_tensor({7, 16}, 1);
    Tensor weights[2];
    for (const bool wanted : {true, false}) {
      std::vector<Var> in{wanted ? Var::leaf(x) : Var::constant(x)};
      for (const Tensor& each : norm.others) in.push_back(Var::leaf(each));
      backward(without_slack(norm.run(in)));
      weights[wanted ? 0 : 1] = in[1].grad();
    }
    EXPECT_EQ(weights[0].to_vector<double>(), weights[1].to_vector<double>()) << norm.name;
  }
}

TEST(NormModulate, SaysBothSidesWhenTheTableDoesNotFit) {
  try {
    norm_modulate(Var::constant(random_tensor({7, 16}, 1)),
                  Var::constant(random_tensor({2, 2, 8}, 2)), 0, 1, two_clips(), 1e-6);
    FAIL() << "a table of another width was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(
        error.what(),
        "norm_modulate: x is [7, 16], the table is f64 [2, 2, 8]; want f64 [clips, n, 16]");
  }
}

}  // namespace
}  // namespace muybridge
