#include "core/ops/convolution/convolution.h"

#include "core/ops/convolution/convolution_parts.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

struct Case {
  const char* what;
  Shape x, weight;
  ConvolutionOptions options;
};

// What a video autoencoder asks for, and what nobody does.
const Case kCases[] = {
    {"causal", {4, 5, 6, 3}, {2, 3, 3, 3, 3}, {.before = {2, 1, 1}, .after = {0, 1, 1}}},
    {"frames ahead", {5, 4, 4, 2}, {3, 3, 3, 3, 2}, {.before = {0, 1, 1}, .after = {0, 1, 1}}},
    {"half the size", {2, 6, 5, 2}, {3, 1, 3, 3, 2}, {.stride = {1, 2, 2}, .after = {0, 1, 1}}},
    {"half the frames", {5, 2, 3, 2}, {2, 3, 1, 1, 2}, {.stride = {2, 1, 1}}},
    {"a place alone", {2, 3, 4, 5}, {3, 1, 1, 1, 5}, {}},
    {"a stride that leaves a rest",
     {4, 7, 8, 1},
     {2, 2, 3, 2, 1},
     {.stride = {3, 2, 3}, .before = {1, 0, 2}, .after = {0, 2, 1}}},
    {"a window of zeros", {1, 2, 2, 1}, {1, 1, 2, 2, 1}, {.before = {0, 3, 0}, .after = {0, 0, 3}}},
};

// The sum of its definition, with x and its zeros in one array.
std::vector<double> by_definition(const Case& c, const Tensor& x, const Tensor& weight,
                                  const Tensor& bias, Extents3& size) {
  const auto& [stride, before, after] = c.options;
  const Extents3 in{c.x[0], c.x[1], c.x[2]}, kernel{c.weight[1], c.weight[2], c.weight[3]};
  Extents3 wide;
  for (std::size_t i = 0; i < 3; ++i) {
    wide[i] = in[i] + before[i] + after[i];
    size[i] = (wide[i] - kernel[i]) / stride[i] + 1;
  }
  const std::int64_t channels = c.x.back(), results = c.weight[0];
  std::vector<double> padded(static_cast<std::size_t>(wide[0] * wide[1] * wide[2] * channels));
  const auto at = [&](std::int64_t t, std::int64_t h, std::int64_t w, std::int64_t j) -> double& {
    return padded[static_cast<std::size_t>(((t * wide[1] + h) * wide[2] + w) * channels + j)];
  };
  const double* from = x.data<double>();
  for (std::int64_t t = 0; t < in[0]; ++t)
    for (std::int64_t h = 0; h < in[1]; ++h)
      for (std::int64_t w = 0; w < in[2]; ++w)
        for (std::int64_t j = 0; j < channels; ++j)
          at(t + before[0], h + before[1], w + before[2], j) = *from++;
  std::vector<double> y;
  for (std::int64_t t = 0; t < size[0]; ++t)
    for (std::int64_t h = 0; h < size[1]; ++h)
      for (std::int64_t w = 0; w < size[2]; ++w)
        for (std::int64_t k = 0; k < results; ++k) {
          double sum = bias.defined() ? bias.data<double>()[k] : 0;
          const double* tap = weight.data<double>() + k * weight.numel() / results;
          for (std::int64_t kt = 0; kt < kernel[0]; ++kt)
            for (std::int64_t kh = 0; kh < kernel[1]; ++kh)
              for (std::int64_t kw = 0; kw < kernel[2]; ++kw)
                for (std::int64_t j = 0; j < channels; ++j)
                  sum += *tap++ * at(t * stride[0] + kt, h * stride[1] + kh, w * stride[2] + kw, j);
          y.push_back(sum);
        }
  return y;
}

TEST(Convolution, IsTheSumOfItsDefinitionInEveryType) {
  for (const Case& c : kCases)
    for (const DType dtype : {DType::kF64, DType::kF32, DType::kBF16})
      for (const bool has_bias : {true, false}) {
        const Tensor x = random_tensor(c.x, 1, dtype), weight = random_tensor(c.weight, 2, dtype),
                     bias = has_bias ? random_tensor({c.weight[0]}, 3, dtype) : Tensor{};
        Extents3 size;
        const std::vector<double> want =
            by_definition(c, x.to(DType::kF64), weight.to(DType::kF64),
                          has_bias ? bias.to(DType::kF64) : Tensor{}, size);
        const Tensor y = convolution(Var::constant(x), Var::constant(weight),
                                     has_bias ? Var::constant(bias) : Var{}, c.options)
                             .value();
        ASSERT_EQ(y.shape(), Shape({size[0], size[1], size[2], c.weight[0]})) << c.what;
        const std::vector<double> got = y.to(DType::kF64).to_vector<double>();
        const double tolerance = dtype == DType::kF64   ? 1e-12
                                 : dtype == DType::kF32 ? 1e-5
                                                        : 1.0 / 256;  // one rounding
        for (std::size_t i = 0; i < want.size(); ++i)
          ASSERT_NEAR(got[i], want[i], tolerance * (1 + std::abs(want[i])))
              << c.what << ", " << name_of(dtype) << ", element " << i;
      }
}

TEST(Convolution, GradientsMatchFiniteDifferences) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    expect_gradients(
        [&](Inputs in) { return convolution(in[0], in[1], in[2], c.options); },
        {random_tensor(c.x, 1), random_tensor(c.weight, 2), random_tensor({c.weight[0]}, 3)});
  }
}

// Larger, so that the library's kernels work on whole blocks of channels.
TEST(Convolution, GradientsOfTheLibraryMatchTheFormula) {
  const Shape x_shape{5, 9, 10, 24}, weight_shape{40, 3, 3, 3, 24};
  const ConvolutionShape shape = convolution_shape(
      x_shape, weight_shape, {.stride = {1, 2, 1}, .before = {2, 1, 1}, .after = {0, 0, 1}});
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const Tensor x = random_tensor(x_shape, 1, dtype),
                 weight = random_tensor(weight_shape, 2, dtype),
                 dy = random_tensor(shape.y(), 3, dtype);
    const Tensor dx = Tensor::empty(x_shape, dtype), dweight = Tensor::empty(weight_shape, dtype);
    convolution_input_gradient(shape, dy, weight, dx);
    convolution_weight_gradient(shape, x, dy, dweight);
    const Tensor wide_dx = Tensor::empty(x_shape, DType::kF64),
                 wide_dweight = Tensor::empty(weight_shape, DType::kF64);
    convolution_input_gradient(shape, dy.to(DType::kF64), weight.to(DType::kF64), wide_dx);
    convolution_weight_gradient(shape, x.to(DType::kF64), dy.to(DType::kF64), wide_dweight);
    const auto expect_near = [&](const char* what, const Tensor& got, const Tensor& want) {
      const std::vector<double> g = got.to(DType::kF64).to_vector<double>(),
                                w = want.to_vector<double>();
      const double tolerance = dtype == DType::kF32 ? 2e-5 : 1.0 / 256;
      for (std::size_t i = 0; i < w.size(); ++i)
        ASSERT_NEAR(g[i], w[i], tolerance * (4 + std::abs(w[i])))
            << what << " in " << name_of(dtype) << ", element " << i;
    };
    expect_near("dx", dx, wide_dx);
    expect_near("dweight", dweight, wide_dweight);
  }
}

TEST(Convolution, GivesTheSameBytesTwice) {
  const Shape x_shape{3, 8, 8, 16}, weight_shape{16, 3, 3, 3, 16};
  const ConvolutionShape shape = convolution_shape(x_shape, weight_shape, {.before = {2, 1, 1}});
  const Tensor x = random_tensor(x_shape, 1, DType::kF32),
               dy = random_tensor(shape.y(), 3, DType::kF32);
  std::vector<float> before;
  for (int round = 0; round < 3; ++round) {
    const Tensor dweight = Tensor::empty(weight_shape, DType::kF32);
    convolution_weight_gradient(shape, x, dy, dweight);
    const std::vector<float> now = dweight.to_vector<float>();
    if (round > 0) {
      EXPECT_EQ(now, before);
    }
    before = now;
  }
}

TEST(Convolution, RefusesWhatDoesNotFit) {
  const auto of = [](const Shape& x, const Shape& weight, const ConvolutionOptions& options = {}) {
    return convolution(Var::constant(Tensor::zeros(x, DType::kF32)),
                       Var::constant(Tensor::zeros(weight, DType::kF32)), {}, options);
  };
  EXPECT_THROW(of({2, 4, 4, 3}, {8, 1, 3, 3, 4}), std::invalid_argument);
  EXPECT_THROW(of({4, 4, 3}, {8, 1, 3, 3, 3}), std::invalid_argument);
  EXPECT_THROW(of({2, 4, 4, 3}, {8, 3, 3, 3, 3}), std::invalid_argument) << "more taps than frames";
  EXPECT_THROW(of({2, 4, 4, 3}, {8, 1, 3, 3, 3}, {.stride = {1, 0, 1}}), std::invalid_argument);
  EXPECT_THROW(of({2, 4, 4, 3}, {8, 1, 3, 3, 3}, {.before = {0, -1, 0}}), std::invalid_argument);
  EXPECT_NO_THROW(of({2, 4, 4, 3}, {8, 3, 3, 3, 3}, {.before = {1, 0, 0}}));
  EXPECT_THROW(convolution(Var::constant(Tensor::zeros({2, 4, 4, 3}, DType::kF32)),
                           Var::constant(Tensor::zeros({8, 1, 3, 3, 3}, DType::kBF16)), {}),
               std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
