#include "core/ops/product/linear_fp8.h"

#include <cmath>

#include "core/float8.h"
#include "core/ops/product/linear.h"
#include "core/ops/product/quantize.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

// What codes stand for, in f64.
Tensor meant(const Tensor& x, DType type) {
  const Scaled scaled = quantize_rows(x, type);
  const Tensor numbers = Tensor::empty(x.shape(), DType::kF64);
  dispatch_float8(type, "the test", [&]<class F>() {
    for (std::int64_t i = 0; i < x.numel(); ++i)
      numbers.data<double>()[i] =
          static_cast<double>(static_cast<float>(scaled.codes.data<F>()[i])) * scaled.scale.item();
  });
  return numbers;
}

struct Results {
  Tensor y, dx, dw, dbias;
};

Results run(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& dy,
            KeptInput kept, LeafWork* later = nullptr) {
  const Var vx = Var::leaf(x), vw = Var::leaf(weight), vb = Var::leaf(bias);
  // Through an op, so that x is not held by a leaf.
  const Var y = linear_fp8(
      add_bias(vx, Var::constant(Tensor::zeros({x.shape().back()}, x.dtype()))), vw, vb, kept);
  backward(y, dy, {.later = later});
  if (later) later->run();
  return {y.value(), vx.grad(), vw.grad(), vb.grad()};
}

void expect_near(const char* what, const Tensor& got, const Tensor& want, double tolerance) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  const std::vector<double> a = got.to(DType::kF64).to_vector<double>(),
                            b = want.to(DType::kF64).to_vector<double>();
  double largest = 0;
  for (const double value : b) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], tolerance * largest) << what << ", element " << i;
}

// The three products are those in f64 of the numbers that the codes stand for.
TEST(LinearFp8, MultipliesWhatTheCodesStandForInAllThreeProducts) {
  for (const DType dtype : {DType::kF32, DType::kBF16})
    for (const std::int64_t rows : {7, 32, 100}) {
      const Tensor x = random_tensor({rows, 48}, 1, dtype), w = random_tensor({32, 48}, 2, dtype),
                   bias = random_tensor({32}, 3, dtype), dy = random_tensor({rows, 32}, 4, dtype);
      const Var mx = Var::leaf(meant(x, DType::kF8E4M3)), mw = Var::leaf(meant(w, DType::kF8E4M3)),
                mb = Var::leaf(bias.to(DType::kF64));
      const Var y = linear(mx, mw, mb);
      backward(y, meant(dy, DType::kF8E5M2));
      for (const KeptInput kept : {KeptInput::kCodes, KeptInput::kItself}) {
        const Results got = run(x, w, bias, dy, kept);
        const double tolerance = dtype == DType::kF32 ? 1e-5 : 5e-3;
        expect_near("y", got.y, y.value(), tolerance);
        expect_near("dx", got.dx, mx.grad(), tolerance);
        expect_near("dw", got.dw, mw.grad(), tolerance);
        // A bias is added to y and not multiplied: its gradient is of dy itself.
        const Var whole = Var::leaf(bias);
        backward(add_bias(Var::constant(Tensor::zeros({rows, 32}, dtype)), whole), dy);
        expect_near("dbias", got.dbias, whole.grad(), 1e-12);
      }
    }
}

// Of the gradient of a smooth function, whose steps are smaller than those of the codes.
TEST(LinearFp8, GradientIsThatOfLinearToTheLastBitsOfTheCodes) {
  const Tensor x = random_tensor({64, 96}, 1, DType::kF32),
               w = random_tensor({80, 96}, 2, DType::kF32),
               bias = random_tensor({80}, 3, DType::kF32),
               dy = random_tensor({64, 80}, 4, DType::kF32);
  const Var vx = Var::leaf(x), vw = Var::leaf(w), vb = Var::leaf(bias);
  const Var y = linear(vx, vw, vb);
  backward(y, dy);
  const Results got = run(x, w, bias, dy, KeptInput::kCodes);
  // Three bits of mantissa: 2^-4 at most, a third of that in the mean; of two, twice as much.
  const auto relative = [](const Tensor& a, const Tensor& b) {
    double error = 0, all = 0;
    for (std::int64_t i = 0; i < a.numel(); ++i) {
      const double difference = a.data<float>()[i] - b.data<float>()[i];
      error += difference * difference;
      all += static_cast<double>(b.data<float>()[i]) * b.data<float>()[i];
    }
    return std::sqrt(error / all);
  };
  EXPECT_LT(relative(got.y, y.value()), 0.05);
  EXPECT_LT(relative(got.dx, vx.grad()), 0.08);
  EXPECT_LT(relative(got.dw, vw.grad()), 0.08);
  EXPECT_GT(relative(got.y, y.value()), 0.005) << "was anything rounded?";
}

// And no more than once: the bits are the same.
TEST(LinearFp8, GradientsOfWeightsMayComeLaterAndFromXItself) {
  const Tensor x = random_tensor({30, 32}, 1, DType::kBF16),
               w = random_tensor({16, 32}, 2, DType::kBF16),
               bias = random_tensor({16}, 3, DType::kBF16),
               dy = random_tensor({30, 16}, 4, DType::kBF16);
  const Results usual = run(x, w, bias, dy, KeptInput::kCodes);
  LeafWork work;
  for (const Results& other :
       {run(x, w, bias, dy, KeptInput::kCodes, &work), run(x, w, bias, dy, KeptInput::kItself),
        run(x, w, bias, dy, KeptInput::kItself, &work)}) {
    expect_near("dx", other.dx, usual.dx, 0);
    expect_near("dw", other.dw, usual.dw, 0);
    expect_near("dbias", other.dbias, usual.dbias, 0);
  }
}

// A frozen weight, or an input that needs no gradient.
TEST(LinearFp8, LeavesOutWhatNobodyNeeds) {
  const Tensor x = random_tensor({30, 32}, 1, DType::kF32),
               w = random_tensor({16, 32}, 2, DType::kF32),
               dy = random_tensor({30, 16}, 4, DType::kF32);
  const Results whole = run(x, w, Tensor::zeros({16}), dy, KeptInput::kCodes);
  const Var input = Var::leaf(x), weight = Var::leaf(w);
  backward(linear_fp8(input, Var::constant(w)), dy);
  expect_near("dx", input.grad(), whole.dx, 0);
  backward(linear_fp8(Var::constant(x), weight), dy);
  expect_near("dw", weight.grad(), whole.dw, 0);
}

// Of x in bf16 a tape keeps a byte a number, where x itself is not asked for.
TEST(LinearFp8, KeepsCodesOfAByteInPlaceOfItsInput) {
  const auto kept_bytes = [](const std::function<Var(const Var&, const Var&)>& op) {
    const Var x = Var::leaf(random_tensor({512, 256}, 1, DType::kBF16)),
              w = Var::leaf(random_tensor({16, 256}, 2, DType::kBF16));
    const std::size_t before = pool_statistics(Device::kCpu).in_use_bytes;
    const Var y = op(add_bias(x, Var::constant(Tensor::zeros({256}, DType::kBF16))), w);
    return pool_statistics(Device::kCpu).in_use_bytes - before - y.value().bytes();
  };
  const std::size_t numbers = 512 * 256;
  const std::size_t usual = kept_bytes([](const Var& x, const Var& w) { return linear(x, w); });
  const std::size_t codes = kept_bytes([](const Var& x, const Var& w) { return linear_fp8(x, w); });
  const std::size_t itself = kept_bytes(
      [](const Var& x, const Var& w) { return linear_fp8(x, w, {}, KeptInput::kItself); });
  EXPECT_GE(usual, 2 * numbers);
  EXPECT_GE(itself, 2 * numbers);
  EXPECT_LT(itself, 2 * numbers + numbers / 4);
  EXPECT_GE(codes, numbers);
  EXPECT_LT(codes, numbers + numbers / 4);
}

TEST(LinearFp8, RefusesWhatDoesNotFit) {
  const auto run_on = [](const Shape& x, const Shape& w, DType dtype) {
    linear_fp8(Var::constant(Tensor::zeros(x, dtype)), Var::constant(Tensor::zeros(w, dtype)));
  };
  EXPECT_THROW(run_on({4, 32}, {16, 48}, DType::kF32), std::invalid_argument);
  EXPECT_THROW(run_on({4, 24}, {16, 24}, DType::kF32), std::invalid_argument);
  EXPECT_THROW(run_on({4, 32}, {24, 32}, DType::kF32), std::invalid_argument);
  EXPECT_THROW(run_on({4, 32}, {16, 32}, DType::kF64), std::invalid_argument);
  EXPECT_EQ(
      linear_fp8(Var::constant(Tensor::zeros({0, 32})), Var::constant(Tensor::zeros({16, 32})))
          .shape(),
      Shape({0, 16}));
}

}  // namespace
}  // namespace muybridge
