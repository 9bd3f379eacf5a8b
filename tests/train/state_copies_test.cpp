#include "train/checkpoint/state_copies.h"

#include <gtest/gtest.h>

#include <numeric>

namespace muybridge {
namespace {

Tensor counted(std::int64_t count, double first) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), static_cast<float>(first));
  return Tensor::of<float>({count}, numbers);
}

std::vector<StatePiece> pieces_of(const std::vector<Tensor>& tensors) {
  std::vector<StatePiece> pieces;
  for (const Tensor& x : tensors) pieces.emplace_back().elements = x;
  return pieces;
}

TEST(StateCopies, AreOfTheTensorsAsTheyWere) {
  const std::vector<Tensor> tensors{counted(5, 0), counted(0, 0), counted(3'000'000, 7)};
  StateCopies room(3'000'005, DType::kF32, Device::kCpu);
  for (int round = 0; round < 2; ++round) {
    for (const Tensor& x : tensors) x.fill_zero();
    tensors[2].data<float>()[2'999'999] = static_cast<float>(round + 1);
    const std::vector<Tensor> copies = room.make(pieces_of(tensors));
    room.before_change();
    tensors[2].fill_zero();
    room.wait();
    ASSERT_EQ(copies.size(), 3U);
    EXPECT_EQ(copies[0].shape(), Shape({5}));
    EXPECT_EQ(copies[1].numel(), 0);
    EXPECT_EQ(copies[2].data<float>()[2'999'999], static_cast<float>(round + 1));
  }
}

TEST(StateCopies, AreOfOneTypeAndFitTheirRoom) {
  StateCopies room(8, DType::kF32, Device::kCpu);
  EXPECT_TRUE(room.fits(8, DType::kF32, Device::kCpu));
  EXPECT_FALSE(room.fits(9, DType::kF32, Device::kCpu));
  EXPECT_FALSE(room.fits(8, DType::kF64, Device::kCpu));
  EXPECT_FALSE(room.fits(8, DType::kF32, Device::kCuda));
  EXPECT_THROW(room.make(pieces_of({Tensor::zeros({4}, DType::kF64)})), std::invalid_argument);
  EXPECT_THROW(room.make(pieces_of({counted(9, 0)})), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
