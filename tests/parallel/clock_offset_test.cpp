#include "parallel/clock_offset.h"

#include <gtest/gtest.h>

#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

// Ranks of one process have one clock.
TEST(ClockOffset, OfOneClockIsWithinARoundTripOfNothing) {
  for (const int ranks : {1, 2, 5})
    run_local_ranks(ranks, [](const std::shared_ptr<Group>& group) {
      for (int i = 0; i < 3; ++i) {
        const std::chrono::nanoseconds ahead = clock_ahead(*group);
        EXPECT_LT(std::abs(ahead.count()),
                  std::chrono::nanoseconds(std::chrono::seconds(1)).count());
        if (group->rank() == 0) {
          EXPECT_EQ(ahead.count(), 0);
        }
      }
    });
}

}  // namespace
}  // namespace muybridge
