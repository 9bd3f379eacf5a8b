#include "core/ops/product/matmul.h"

#include "core/float8.h"
#include "core/ops/product/linear.h"
#include "core/ops/product/quantize.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

// Every transposition, bias and accumulation against sums in f64.
void expect_product(DType dtype, Trans ta, Trans tb, bool bias, bool accumulate, double tolerance) {
  const std::int64_t m = 37, n = 21, k = 50;
  const Tensor a = random_tensor(ta == Trans::kYes ? Shape{k, m} : Shape{m, k}, 1, dtype);
  const Tensor b = random_tensor(tb == Trans::kYes ? Shape{n, k} : Shape{k, n}, 2, dtype);
  const DType out = dtype == DType::kBF16 ? DType::kF32 : dtype;
  const Tensor c = random_tensor({m, n}, 3, out), before = c.clone(),
               v = random_tensor({n}, 4, dtype);
  matmul(a, b, c, {.a = ta, .b = tb, .accumulate = accumulate, .bias = bias ? v : Tensor{}});
  const auto wide_a = a.to(DType::kF64), wide_b = b.to(DType::kF64), wide_v = v.to(DType::kF64);
  const auto wide_c = c.to(DType::kF64), wide_before = before.to(DType::kF64);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = (bias ? wide_v.data<double>()[j] : 0) +
                   (accumulate ? wide_before.data<double>()[i * n + j] : 0);
      for (std::int64_t x = 0; x < k; ++x)
        sum += wide_a.data<double>()[ta == Trans::kYes ? x * m + i : i * k + x] *
               wide_b.data<double>()[tb == Trans::kYes ? j * k + x : x * n + j];
      ASSERT_NEAR(wide_c.data<double>()[i * n + j], sum, tolerance)
          << name_of(dtype) << " at " << i << ", " << j;
    }
}

TEST(Matmul, MatchesF64SumsForEveryTranspositionBiasAndAccumulation) {
  for (const Trans ta : {Trans::kNo, Trans::kYes})
    for (const Trans tb : {Trans::kNo, Trans::kYes})
      for (const bool accumulate : {false, true}) {
        expect_product(DType::kF64, ta, tb, false, accumulate, 1e-12);
        expect_product(DType::kF32, ta, tb, false, accumulate, 2e-5);
        expect_product(DType::kBF16, ta, tb, false, accumulate, 2e-5);
        if (accumulate) continue;
        expect_product(DType::kF32, ta, tb, true, false, 2e-5);
        expect_product(DType::kBF16, ta, tb, true, false, 2e-5);
      }
}

TEST(Matmul, AResultInBf16IsTheSumInF32RoundedOnce) {
  const std::int64_t m = 37, n = 21, k = 300;
  const Tensor a = random_tensor({m, k}, 1, DType::kBF16),
               b = random_tensor({k, n}, 2, DType::kBF16),
               bias = random_tensor({n}, 3, DType::kBF16),
               before = random_tensor({m, n}, 4, DType::kBF16);
  for (const bool accumulate : {false, true}) {
    const Tensor narrow = before.clone(), wide = before.to(DType::kF32);
    const MatmulOptions options{.accumulate = accumulate, .bias = accumulate ? Tensor{} : bias};
    matmul(a, b, narrow, options);
    matmul(a, b, wide, options);
    const Tensor rounded = narrow.to(DType::kF32);
    for (std::int64_t i = 0; i < m * n; ++i) {
      const float sum = wide.data<float>()[i];
      ASSERT_NEAR(rounded.data<float>()[i], sum, std::abs(sum) / 256 + 1e-4) << i;
    }
  }
}

TEST(Matmul, SaysAllShapesWhenTheyDoNotFit) {
  try {
    matmul(random_tensor({2, 3}, 1), random_tensor({4, 5}, 1), random_tensor({2, 5}, 1));
    FAIL() << "a product of [2, 3] and [4, 5] was taken";
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("[2, 3]"), std::string::npos) << text;
    EXPECT_NE(text.find("[4, 5]"), std::string::npos) << text;
  }
}

TEST(Linear, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return linear(in[0], in[1], in[2]); },
                   {random_tensor({9, 4}, 1), random_tensor({3, 4}, 2), random_tensor({3}, 3)});
}

TEST(Linear, ItsSumsCanStayUnrounded) {
  const Tensor x = random_tensor({9, 40}, 1, DType::kBF16),
               w = random_tensor({7, 40}, 2, DType::kBF16), b = random_tensor({7}, 3, DType::kBF16),
               dy = random_tensor({9, 7}, 4, DType::kF32);
  const auto run = [&](DType dtype) {
    const std::vector<Var> in = {Var::leaf(x.to(dtype)), Var::leaf(w.to(dtype)),
                                 Var::leaf(b.to(dtype))};
    const Var y = linear(in[0], in[1], in[2], Rounding::kNone);
    backward(y, dy.to(y.value().dtype()));
    return std::vector<Tensor>{y.value(), in[0].grad(), in[1].grad(), in[2].grad()};
  };
  const std::vector<Tensor> narrow = run(DType::kBF16), wide = run(DType::kF64);
  EXPECT_EQ(narrow[0].dtype(), DType::kF32);
  // The value and the bias's gradient are f32 sums; the products of the gradients have dy rounded,
  // and the gradient of x is rounded itself.
  const double tolerance[] = {1e-5, 0x1p-6, 0x1p-6, 1e-5};
  for (int i = 0; i < 4; ++i) {
    const std::vector<double> got = narrow[i].to(DType::kF64).to_vector<double>(),
                              want = wide[i].to_vector<double>();
    double largest = 0;
    for (const double value : want) largest = std::max(largest, std::abs(value));
    for (std::size_t j = 0; j < want.size(); ++j)
      ASSERT_NEAR(got[j], want[j], tolerance[i] * largest) << "tensor " << i << ", element " << j;
  }
}

// As the keys of 30 blocks do with the states of the text. The first product is written in bf16,
// all others are added to it in f32; rounded at each addition, the sum would be off five times
// more.
TEST(Linear, WhatManyLayersSendToABf16ValueIsAddedUpInF32) {
  constexpr std::int64_t kRows = 16, kWidth = 32;
  const Var x = Var::leaf(random_tensor({kRows, kWidth}, 1, DType::kBF16));
  std::vector<double> expected(kRows * kWidth, 0.0);
  std::vector<Var> outputs;
  for (std::uint64_t layer = 0; layer < 30; ++layer) {
    const Tensor w = random_tensor({kWidth, kWidth}, 10 + layer, DType::kBF16),
                 dy = random_tensor({kRows, kWidth}, 50 + layer, DType::kBF16);
    const Tensor product = Tensor::empty({kRows, kWidth}, DType::kF64);
    matmul(dy.to(DType::kF64), w.to(DType::kF64), product);
    for (std::int64_t i = 0; i < kRows * kWidth; ++i) expected[i] += product.data<double>()[i];
    outputs.push_back(Var::op(Tensor::zeros({1}), {linear(x, Var::constant(w))},
                              [dy](Inputs in, const Tensor&) { in[0].add_grad(dy); }));
  }
  backward(Var::op(Tensor::zeros({1}), outputs, [](Inputs in, const Tensor& one) {
    for (const Var& output : in) output.add_grad(one);
  }));
  ASSERT_EQ(x.grad().dtype(), DType::kF32);
  double error = 0, size = 0;
  for (std::int64_t i = 0; i < kRows * kWidth; ++i) {
    error += std::pow(x.grad().data<float>()[i] - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  EXPECT_LT(std::sqrt(error / size), 0x1p-10);
}

TEST(Linear, AWeightUsedTwiceGathersBothGradients) {
  expect_gradients([](Inputs in) { return linear(linear(in[0], in[1]), in[1]); },
                   {random_tensor({5, 4}, 1), random_tensor({4, 4}, 2)});
}

TEST(Matmul, AProductOfNothingIsZero) {
  const Tensor a = Tensor::empty({2, 0}, DType::kF32), b = Tensor::empty({0, 3}, DType::kF32);
  const Tensor c = Tensor::full({2, 3}, 7.0);
  matmul(a, b, c, {.accumulate = true});
  for (const float value : c.span<float>()) EXPECT_EQ(value, 7.0F);
  matmul(a, b, c, {.bias = Tensor::full({3}, 2.0)});
  for (const float value : c.span<float>()) EXPECT_EQ(value, 2.0F);
  matmul(a, b, c, {.accumulate = true, .bias = Tensor::full({3}, 2.0)});
  for (const float value : c.span<float>()) EXPECT_EQ(value, 4.0F);
  matmul(a, b, c);
  for (const float value : c.span<float>()) EXPECT_EQ(value, 0.0F);
}

// Sums of the numbers that the codes stand for, in f64; rounded once.
TEST(Matmul, CodesOf8BitsAreMultipliedWithTheirScalesAddedAndBiased) {
  const Scaled a = quantize_rows(random_tensor({37, 64}, 1, DType::kF32), DType::kF8E5M2),
               b = quantize_rows(random_tensor({48, 64}, 2, DType::kF32), DType::kF8E4M3);
  const auto at = []<class F>(const Scaled& x, std::int64_t i) {
    return static_cast<double>(static_cast<float>(x.codes.data<F>()[i])) * x.scale.item();
  };
  for (const DType type : {DType::kF32, DType::kBF16})
    for (const bool accumulate : {false, true}) {
      const Tensor c = random_tensor({37, 48}, 3, type), before = c.to(DType::kF64).clone(),
                   bias = random_tensor({48}, 4, type), add = bias.to(DType::kF64);
      matmul(a.codes, b.codes, c,
             {.b = Trans::kYes,
              .accumulate = accumulate,
              .bias = bias,
              .scale_a = a.scale,
              .scale_b = b.scale});
      const Tensor got = c.to(DType::kF64);
      for (std::int64_t i = 0; i < 37; ++i)
        for (std::int64_t j = 0; j < 48; ++j) {
          double sum = add.data<double>()[j] + (accumulate ? before.data<double>()[i * 48 + j] : 0);
          for (std::int64_t k = 0; k < 64; ++k)
            sum += at.template operator()<F8E5M2>(a, i * 64 + k) *
                   at.template operator()<F8E4M3>(b, j * 64 + k);
          const double room = type == DType::kF32 ? 2e-5 : std::abs(sum) / 256 + 1e-5;
          ASSERT_NEAR(got.data<double>()[i * 48 + j], sum, room) << i << ", " << j;
        }
    }
}

TEST(Matmul, CodesOf8BitsAreRefusedInOtherFormsAndWithoutScales) {
  const Scaled a = quantize_rows(Tensor::zeros({16, 32}), DType::kF8E5M2),
               b = quantize_rows(Tensor::zeros({16, 32}), DType::kF8E4M3);
  const Tensor c = Tensor::zeros({16, 16});
  const auto with = [&](const Tensor& left, const Tensor& right, const Tensor& to,
                        MatmulOptions options) {
    if (!options.scale_a.defined()) options.scale_a = a.scale;
    matmul(left, right, to, options);
  };
  const MatmulOptions usual{.b = Trans::kYes, .scale_a = a.scale, .scale_b = b.scale};
  EXPECT_NO_THROW(with(a.codes, b.codes, c, usual));
  EXPECT_THROW(with(a.codes, a.codes, c, usual), std::invalid_argument) << "two of gradients";
  EXPECT_THROW(with(a.codes, Tensor::zeros({16, 32}), c, usual), std::invalid_argument);
  EXPECT_THROW(with(a.codes, b.codes, c.to(DType::kF64), usual), std::invalid_argument);
  EXPECT_THROW(matmul(a.codes, b.codes, c, {.b = Trans::kYes}), std::invalid_argument);
  EXPECT_THROW(with(a.codes, b.codes, c, {.b = Trans::kYes, .scale_b = Tensor::zeros({2})}),
               std::invalid_argument);
  const Tensor square = quantize_rows(Tensor::zeros({32, 32}), DType::kF8E4M3).codes;
  EXPECT_THROW(with(square, square, Tensor::zeros({32, 32}), {.scale_b = b.scale}),
               std::invalid_argument)
      << "columns of b, which are not summed over side by side";
}

}  // namespace
}  // namespace muybridge
