#include "core/system/flush_denormals.h"

#include <gtest/gtest.h>

#include <thread>

namespace muybridge {
namespace {

// What arithmetic makes of numbers below 2^-126, as a result and as an input.
struct Arithmetic {
  float result = -1;
  float input = -1;

  void run() {
    const volatile float smallest = 1.2e-38F, denormal = 1e-40F;
    result = smallest * 0.01F;
    input = denormal * 1e20F;
  }
};

TEST(FlushDenormals, HoldsInItsThreadAndInThoseStartedAfterItAndInNoOther) {
  Arithmetic before, here, there, elsewhere;
  std::thread outer([&] {
    before.run();
    flush_denormals();
    here.run();
    std::thread([&] { there.run(); }).join();
  });
  outer.join();
  elsewhere.run();
  for (const Arithmetic& flushed : {here, there}) {
    EXPECT_EQ(flushed.result, 0.0F);
    EXPECT_EQ(flushed.input, 0.0F);
  }
#if defined(__SSE3__)  // on other processors it changes nothing
  for (const Arithmetic& kept : {before, elsewhere}) {
    EXPECT_GT(kept.result, 0.0F);
    EXPECT_GT(kept.input, 0.0F);
  }
#endif
}

}  // namespace
}  // namespace muybridge
