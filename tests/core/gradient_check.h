#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "core/random.h"
#include "core/tape.h"

namespace muybridge::testing {

inline Tensor random_tensor(const Shape& shape, std::uint64_t key, DType dtype = DType::kF64) {
  const RandomStream stream(20, Purpose::kTest, key);
  const Tensor values = Tensor::empty(shape, DType::kF32);
  fill_normal(stream, values.data<float>(), values.numel());
  return values.to(dtype);
}

// Compares the tape's gradient of sum(f(inputs) * weights), weights random, with central
// differences in f64 at every element of every input.
inline void expect_gradients(const std::function<Var(Inputs)>& f, const std::vector<Tensor>& inputs,
                             double tolerance = 1e-6) {
  std::vector<Var> leaves;
  leaves.reserve(inputs.size());
  for (const Tensor& input : inputs) leaves.push_back(Var::leaf(input));
  const Var output = f(leaves);
  const Tensor weights = random_tensor(output.shape(), 999);
  backward(output, weights);
  const auto value = [&] {
    const NoGradScope no_grad;
    const Tensor y = f(leaves).value();
    double total = 0;
    for (std::int64_t i = 0; i < y.numel(); ++i)
      total += y.data<double>()[i] * weights.data<double>()[i];
    return total;
  };
  constexpr double kStep = 1e-5;
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    ASSERT_TRUE(leaves[n].grad().defined()) << "input " << n << " received no gradient";
    double* const x = inputs[n].data<double>();
    for (std::int64_t i = 0; i < inputs[n].numel(); ++i) {
      const double before = x[i];
      x[i] = before + kStep;
      const double above = value();
      x[i] = before - kStep;
      const double below = value();
      x[i] = before;
      const double expected = (above - below) / (2 * kStep);
      const double got = leaves[n].grad().data<double>()[i];
      ASSERT_NEAR(got, expected, tolerance * (1 + std::abs(expected)))
          << "input " << n << ", element " << i;
    }
  }
}

}  // namespace muybridge::testing
