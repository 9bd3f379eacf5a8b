#include "core/system/flush_denormals.h"

#include <gtest/gtest.h>

#include <thread>

namespace muybridge {
namespace {

TEST(FlushDenormals, HoldsInThreadsStartedAfterIt) {
  float here = 1, there = 1;
  std::thread outer([&] {
    flush_denormals();
    volatile float small = 1e-38F;
    here = small * 0.01F;
    std::thread([&] {
      volatile float again = 1e-38F;
      there = again * 0.01F;
    }).join();
  });
  outer.join();
  EXPECT_EQ(here, 0.0F);
  EXPECT_EQ(there, 0.0F);
}

}  // namespace
}  // namespace muybridge
