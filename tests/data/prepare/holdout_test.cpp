#include "data/prepare/holdout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace muybridge {
namespace {

TEST(Holdout, HoldsOutTheShare) {
  for (const double share : {0.0, 0.02, 0.3}) {
    const Holdout holdout(share, 1000);
    int out = 0;
    for (int i = 0; i < 20000; ++i) out += holdout.holds_out(fmt::format("{:032x}", i), "");
    EXPECT_NEAR(out / 20000.0, share, 0.01);
  }
}

TEST(Holdout, AllClipsOfAVideoAreOnOneSide) {
  const Holdout holdout(0.5, 1000);
  for (int video = 0; video < 50; ++video) {
    std::set<bool> sides;
    for (int clip = 0; clip < 20; ++clip) {
      sides.insert(holdout.holds_out(fmt::format("{}", video), fmt::format("{}-{}", video, clip)));
    }
    EXPECT_EQ(sides.size(), 1U);
  }
}

TEST(Holdout, OfFewVideosSingleClipsAreHeldOut) {
  const Holdout holdout(0.5, 1);
  std::set<bool> sides;
  for (int clip = 0; clip < 20; ++clip) {
    sides.insert(holdout.holds_out("video", fmt::format("{}", clip)));
  }
  EXPECT_EQ(sides.size(), 2U);
}

TEST(Holdout, TenClipsNeedOne) {
  EXPECT_FALSE(Holdout(0.02, 10).needs_one(9, 0));
  EXPECT_TRUE(Holdout(0.02, 10).needs_one(10, 0));
  EXPECT_FALSE(Holdout(0.02, 10).needs_one(10, 1));
  EXPECT_FALSE(Holdout(0, 10).needs_one(10, 0));
}

}  // namespace
}  // namespace muybridge
