#include "parallel/clock_offset.h"

#include <gtest/gtest.h>

#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

// The own clock is 5,000 ahead, whichever way of a slow trip took long.
TEST(ClockOffset, IsThatOfTheQuickestRoundTrip) {
  const RoundTrip quick{.asked = 10'000, .said = 5'100, .heard = 10'200};
  const RoundTrip slow_there{.asked = 20'000, .said = 16'900, .heard = 22'000};
  const RoundTrip slow_back{.asked = 30'000, .said = 25'100, .heard = 39'000};
  EXPECT_EQ(ahead_by({slow_there, quick, slow_back}), 5'000);
  const RoundTrip behind{.asked = 10'000, .said = 17'100, .heard = 10'200};
  EXPECT_EQ(ahead_by({behind}), -7'000);
  const RoundTrip nothing{.asked = 10'000, .said = 10'030, .heard = 10'200};
  EXPECT_EQ(ahead_by({nothing}), 0);
}

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
