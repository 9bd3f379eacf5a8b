#include "parallel/host/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/tensor.h"

namespace muybridge {
namespace {

template <class T>
Tensor reduce(const std::vector<std::vector<T>>& sources, Reduce how) {
  std::vector<Tensor> tensors;
  std::vector<const std::byte*> pointers;
  for (const auto& source : sources) {
    tensors.push_back(Tensor::of<T>({static_cast<std::int64_t>(source.size())}, source));
    pointers.push_back(static_cast<const std::byte*>(tensors.back().raw()));
  }
  const Tensor out = Tensor::empty(tensors[0].shape(), tensors[0].dtype());
  reduce_in_order(pointers, static_cast<std::byte*>(out.raw()), out.numel(), out.dtype(), how);
  return out;
}

TEST(Reduce, SumsInTheOrderOfSources) {
  // (1e8 + 1) + -1e8 is 0 in f32, 1e8 + (1 + -1e8) is not.
  const Tensor out = reduce<float>({{1e8F, 2}, {1, 3}, {-1e8F, 4}}, Reduce::kSum);
  EXPECT_EQ(out.data<float>()[0], 0.0F);
  EXPECT_EQ(out.data<float>()[1], 9.0F);
}

TEST(Reduce, SumsBf16InF32AndRoundsOnce) {
  // 256 + 1 rounds to 256 in bf16, so that rounding after each addition would give 256.
  const Tensor out = reduce<bf16>(
      {{bf16(256.0F)}, {bf16(1.0F)}, {bf16(1.0F)}, {bf16(1.0F)}, {bf16(1.0F)}}, Reduce::kSum);
  EXPECT_EQ(static_cast<float>(out.data<bf16>()[0]), 260.0F);
}

TEST(Reduce, NanIsLargerThanAnyNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor out = reduce<float>({{nan, 1, -3}, {1, nan, -2}}, Reduce::kMax);
  EXPECT_TRUE(std::isnan(out.data<float>()[0]));
  EXPECT_TRUE(std::isnan(out.data<float>()[1]));
  EXPECT_EQ(out.data<float>()[2], -2.0F);
}

TEST(Reduce, IntegersKeepAllTheirDigits) {
  const std::int64_t large = (std::int64_t{1} << 60) + 1;
  const Tensor out = reduce<std::int64_t>({{large, 5}, {large, 9}}, Reduce::kSum);
  EXPECT_EQ(out.data<std::int64_t>()[0], 2 * large);
  EXPECT_EQ(out.data<std::int64_t>()[1], 14);
}

TEST(Reduce, MayWriteOverASource) {
  const Tensor a = Tensor::full({5000}, 1.0);
  const Tensor b = Tensor::full({5000}, 2.0);
  const std::vector<const std::byte*> sources{static_cast<const std::byte*>(a.raw()),
                                              static_cast<const std::byte*>(b.raw())};
  reduce_in_order(sources, static_cast<std::byte*>(b.raw()), 5000, DType::kF32, Reduce::kSum);
  for (const float value : b.span<float>()) ASSERT_EQ(value, 3.0F);
}

TEST(Reduce, RefusesTypesWithoutAddition) {
  const Tensor a = Tensor::zeros({4}, DType::kU8);
  const std::vector<const std::byte*> sources{static_cast<const std::byte*>(a.raw())};
  EXPECT_THROW(
      reduce_in_order(sources, static_cast<std::byte*>(a.raw()), 4, DType::kU8, Reduce::kSum),
      std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
