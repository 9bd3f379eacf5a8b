#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "core/cuda/runtime.h"
#include "core/ops/modulation.h"
#include "tests/core/gradient_check.h"

namespace muybridge {

// With a driver: every op against its CPU twin, on numbers drawn anew in each run.
class CudaTwin : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda::available()) GTEST_SKIP() << cuda::summary();
    seed_ = std::random_device{}();
    RecordProperty("seed", std::to_string(seed_));
  }

  Tensor draw(const Shape& shape, DType dtype) {
    const RandomStream stream(seed_, Purpose::kTest, ++draws_);
    const Tensor values = Tensor::empty(shape, DType::kF32);
    fill_normal(stream, values.data<float>(), values.numel());
    return values.to(dtype);
  }

  // Relative to the largest number, since sums are taken in another order.
  static double tolerance(DType dtype) {
    return dtype == DType::kF64 ? 1e-12 : dtype == DType::kF32 ? 1e-5 : 1e-2;
  }

  void expect_near(const char* what, const Tensor& on_cuda, const Tensor& on_cpu, DType dtype) {
    ASSERT_EQ(on_cuda.device(), Device::kCuda) << what;
    ASSERT_EQ(on_cuda.shape(), on_cpu.shape()) << what;
    ASSERT_EQ(on_cuda.dtype(), on_cpu.dtype()) << what;
    const std::vector<double> got = on_cuda.to(DType::kF64).to_vector<double>(),
                              want = on_cpu.to(DType::kF64).to_vector<double>();
    double largest = 1;
    for (const double value : want) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(got[i], want[i], tolerance(dtype) * largest)
          << what << ", " << name_of(dtype) << ", element " << i << " of "
          << to_string(on_cpu.shape()) << ", seed " << seed_;
  }

  // The value and all gradients of f on both devices. `rows`: how many of the first rows of the
  // value count, where the rest is slack.
  void expect_same(const char* what, const std::vector<Tensor>& inputs,
                   const std::function<Var(Inputs, Device)>& f, std::int64_t rows = -1) {
    const auto run = [&](Device device, Tensor& dy, std::vector<Tensor>& results) {
      poison_pool(device);
      std::vector<Var> leaves;
      for (const Tensor& input : inputs) leaves.push_back(Var::leaf(input.to(device)));
      const Var y = f(leaves, device);
      if (!dy.defined()) {
        dy = draw(y.shape(), y.value().dtype());
        if (rows >= 0) dy.rows(rows, dy.shape()[0] - rows).fill_zero();
      }
      backward(y, dy.to(device));
      results.push_back(rows < 0 ? y.value() : y.value().rows(0, rows));
      for (const Var& leaf : leaves) results.push_back(leaf.grad());
    };
    Tensor dy;
    std::vector<Tensor> want, got;
    run(Device::kCpu, dy, want);
    run(Device::kCuda, dy, got);
    for (std::size_t i = 0; i < want.size(); ++i)
      expect_near(
          fmt::format("{}: {}", what, i ? fmt::format("gradient {}", i - 1) : "value").c_str(),
          got[i], want[i], inputs[0].dtype());
  }

  static constexpr DType kFloats[] = {DType::kF32, DType::kBF16, DType::kF64};
  std::uint64_t seed_ = 0;
  std::uint64_t draws_ = 0;
};

// Three clips of 150 rows, more than two chunks of sums, one clip empty, and 3 rows of slack.
struct Clips {
  static constexpr std::int64_t kRows = 153, kUsed = 150, kCount = 3;
  static ClipRows on(Device device) {
    std::vector<std::int32_t> clip_of(kRows, 2);
    std::fill_n(clip_of.begin(), 20, 0);
    return {.clip_of = Tensor::of<std::int32_t>({kRows}, clip_of).to(device),
            .offsets = {0, 20, 20, kUsed}};
  }
};

}  // namespace muybridge
