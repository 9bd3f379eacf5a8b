#include "core/ops/product/quantize.h"

#include <cmath>
#include <limits>

#include "core/float8.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

constexpr DType kTypes[] = {DType::kF8E4M3, DType::kF8E5M2};

float largest_of(DType type) {
  return dispatch_float8(type, "the test", []<class F>() { return F::largest(); });
}

std::vector<float> numbers_of(const Tensor& codes) {
  std::vector<float> numbers;
  dispatch_float8(codes.dtype(), "the test", [&]<class F>() {
    for (const F code : codes.span<F>()) numbers.push_back(static_cast<float>(code));
  });
  return numbers;
}

// Also where it stands last, where there are more numbers than one row of the reduction has, and
// more rows than a second one.
TEST(Quantize, TheScaleMakesTheLargestMagnitudeTheLargestCode) {
  for (const DType type : kTypes)
    for (const std::int64_t n : {1, 16, 4096, 4097, 100003})
      for (const std::int64_t place : {std::int64_t{0}, n / 2, n - 1}) {
        const Tensor x = random_tensor({n}, 1, DType::kF32);
        x.data<float>()[place] = -1234.5F;
        EXPECT_EQ(scale_of(x, type).item(), 1234.5F / largest_of(type)) << n << " at " << place;
      }
}

TEST(Quantize, AMatrixOfZerosStaysOneAndNanStaysNan) {
  const Scaled zeros = quantize_rows(Tensor::zeros({3, 16}), DType::kF8E4M3);
  EXPECT_TRUE(std::isfinite(zeros.scale.item()));
  EXPECT_GT(zeros.scale.item(), 0);
  for (const float number : numbers_of(zeros.codes)) EXPECT_EQ(number, 0);
  const Tensor x = random_tensor({3, 16}, 1, DType::kF32);
  x.data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(numbers_of(quantize_rows(x, DType::kF8E4M3).codes)[5]));
  x.data<float>()[5] = std::numeric_limits<float>::infinity();
  const Scaled infinite = quantize_rows(x, DType::kF8E4M3);
  EXPECT_FALSE(std::isfinite(numbers_of(infinite.codes)[5] * infinite.scale.item()));
}

TEST(Quantize, EachNumberIsRoundedAsItsTypeRounds) {
  for (const DType source : {DType::kF32, DType::kBF16})
    for (const DType type : kTypes) {
      const Tensor x = random_tensor({21, 48}, 2, source), wide = x.to(DType::kF32);
      const Scaled scaled = quantize_rows(x, type);
      const float factor = 1 / static_cast<float>(scaled.scale.item());
      const std::vector<float> got = numbers_of(scaled.codes);
      dispatch_float8(type, "the test", [&]<class F>() {
        for (std::size_t i = 0; i < got.size(); ++i)
          ASSERT_EQ(got[i], static_cast<float>(F(wide.data<float>()[i] * factor))) << i;
      });
    }
}

TEST(Quantize, ColumnsAreTheRowsTurnedWithZerosBehind) {
  for (const std::int64_t rows : {1, 15, 16, 17, 50}) {
    const Tensor x = random_tensor({rows, 32}, 3, DType::kBF16);
    const Quantized both = quantize(x, DType::kF8E5M2);
    const std::int64_t padded = (rows + 15) / 16 * 16;
    ASSERT_EQ(both.by_columns.codes.shape(), Shape({32, padded}));
    const std::vector<float> by_rows = numbers_of(both.by_rows.codes),
                             by_columns = numbers_of(both.by_columns.codes);
    for (std::int64_t row = 0; row < padded; ++row)
      for (std::int64_t column = 0; column < 32; ++column)
        ASSERT_EQ(by_columns[static_cast<std::size_t>(column * padded + row)],
                  row < rows ? by_rows[static_cast<std::size_t>(row * 32 + column)] : 0)
            << row << ", " << column;
    EXPECT_EQ(numbers_of(quantize_rows(x, DType::kF8E5M2).codes), by_rows);
    EXPECT_EQ(numbers_of(quantize_columns(x, DType::kF8E5M2, both.by_rows.scale).codes),
              by_columns);
  }
}

TEST(Quantize, AViewThatIsNotAlignedGivesTheSame) {
  const Tensor flat = random_tensor({1 + 17 * 32}, 4, DType::kBF16);
  const Tensor view = flat.flat_view(1, {17, 32});
  EXPECT_EQ(numbers_of(quantize_rows(view, DType::kF8E4M3).codes),
            numbers_of(quantize_rows(view.clone(), DType::kF8E4M3).codes));
}

TEST(Quantize, RefusesWhatProductsOf8BitsDoNotTake) {
  EXPECT_THROW(quantize_rows(Tensor::zeros({16, 8}), DType::kF8E4M3), std::invalid_argument);
  EXPECT_THROW(quantize(Tensor::zeros({16, 16}, DType::kF64), DType::kF8E4M3),
               std::invalid_argument);
  EXPECT_THROW(quantize(Tensor::zeros({16, 16}), DType::kBF16), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
