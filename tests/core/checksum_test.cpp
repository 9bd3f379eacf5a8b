#include "core/ops/checksum.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

std::uint64_t checksum(const Tensor& x) { return checksums(std::vector{x}).front(); }

TEST(Checksum, TellsEveryChangedBitAndEveryExchange) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64}) {
    const Tensor x = testing::random_tensor({1500}, 1, dtype);
    const std::uint64_t before = checksum(x);
    EXPECT_EQ(checksum(x.clone()), before) << "the same bits in another place";
    auto* const bytes = static_cast<unsigned char*>(x.raw());
    for (std::size_t bit = 0; bit < 8 * x.bytes(); bit += 97) {
      bytes[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
      EXPECT_NE(checksum(x), before) << "bit " << bit << " of " << name_of(dtype);
      bytes[bit / 8] ^= static_cast<unsigned char>(1U << (bit % 8));
    }
    const std::size_t size = size_of(dtype);
    for (std::size_t i = 0; i < size; ++i) std::swap(bytes[i], bytes[700 * size + i]);
    EXPECT_NE(checksum(x), before) << "two elements exchanged";
  }
}

// Zero differs from minus zero, and one NaN from another.
TEST(Checksum, IsOfBitsNotOfNumbers) {
  EXPECT_NE(checksum(Tensor::of<float>({1}, {0.0F})), checksum(Tensor::of<float>({1}, {-0.0F})));
  const Tensor nan = Tensor::of<float>({1}, {NAN}), another = nan.clone();
  EXPECT_EQ(checksum(another), checksum(nan));
  static_cast<std::uint8_t*>(another.raw())[0] ^= 1;
  EXPECT_NE(checksum(another), checksum(nan));
}

TEST(Checksum, IsOneNumberOfEachTensor) {
  const Tensor a = testing::random_tensor({7}, 1, DType::kF32),
               b = testing::random_tensor({3000}, 2, DType::kF32);
  EXPECT_EQ(checksums(std::vector{a, b, a}),
            (std::vector<std::uint64_t>{checksum(a), checksum(b), checksum(a)}));
  EXPECT_TRUE(checksums({}).empty());
}

}  // namespace
}  // namespace muybridge
