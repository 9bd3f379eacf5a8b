#include "core/ops/regroup.h"

#include <gtest/gtest.h>

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

TEST(Regroup, TakesEachPartOfEachBlockToItsPlaceAndBack) {
  constexpr std::int64_t kRows = 5, kBlocks = 3, kParts = 4, kWidth = 2;
  const Tensor x = testing::random_tensor({kRows, kBlocks * kParts * kWidth}, 1);
  const Tensor apart = parts_apart(x, kBlocks, kParts);
  ASSERT_EQ(apart.shape(), (Shape{kParts, kRows, kBlocks * kWidth}));
  const double* const from = x.data<double>();
  const double* const to = apart.data<double>();
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t block = 0; block < kBlocks; ++block)
      for (std::int64_t part = 0; part < kParts; ++part)
        for (std::int64_t k = 0; k < kWidth; ++k)
          EXPECT_EQ(to[((part * kRows + row) * kBlocks + block) * kWidth + k],
                    from[((row * kBlocks + block) * kParts + part) * kWidth + k]);
  EXPECT_EQ(parts_together(apart, kBlocks).to_vector<double>(), x.to_vector<double>());
}

TEST(Regroup, RowsThatDoNotDivideAreRefused) {
  EXPECT_THROW(parts_apart(Tensor::zeros({2, 10}), 3, 2), std::invalid_argument);
  EXPECT_THROW(parts_together(Tensor::zeros({2, 10}), 1), std::invalid_argument);
  EXPECT_THROW(parts_together(Tensor::zeros({2, 3, 10}), 3), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
