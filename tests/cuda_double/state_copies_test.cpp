// Copies of a device's tensors, on a device whose copies begin some time after they were asked for.
#include "train/checkpoint/state_copies.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

TEST(DeviceStateCopies, AreOfTheTensorsBeforeTheyChanged) {
  const Tensor flat = testing::random_tensor({4096}, 1, DType::kF32),
               there = flat.to(Device::kCuda);
  // Two that lie one after the other, and one apart.
  std::vector<StatePiece> parts(3);
  parts[0].elements = there.flat_view(0, {100});
  parts[1].elements = there.flat_view(100, {28});
  parts[2].elements = there.flat_view(1000, {3096});
  StateCopies room(3224, DType::kF32, Device::kCuda);
  for (int round = 0; round < 3; ++round) {
    there.copy_from(flat);
    const std::vector<Tensor> copies = room.make(parts);
    room.before_change();
    there.fill_zero();
    std::thread([&] { room.wait(); }).join();
    EXPECT_EQ(copies[0].to_vector<float>(), flat.flat_view(0, {100}).to_vector<float>());
    EXPECT_EQ(copies[1].to_vector<float>(), flat.flat_view(100, {28}).to_vector<float>());
    EXPECT_EQ(copies[2].to_vector<float>(), flat.flat_view(1000, {3096}).to_vector<float>());
  }
}

}  // namespace
}  // namespace muybridge
