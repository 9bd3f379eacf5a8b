#include "parallel/cores.h"

#include <gtest/gtest.h>

#include <numeric>

namespace muybridge {
namespace {

TEST(Cores, TheProcessHasAtLeastOne) { EXPECT_FALSE(cores_of_process().empty()); }

TEST(Cores, ReadsTheQuotaOfACgroup) {
  EXPECT_EQ(cores_of_quota("200000 100000"), 2.0);
  EXPECT_EQ(cores_of_quota("150000 100000"), 1.5);
  EXPECT_EQ(cores_of_quota("max 100000"), 0.0);
  EXPECT_EQ(cores_of_quota("-1 100000"), 0.0);
  EXPECT_EQ(cores_of_quota(""), 0.0);
}

TEST(Cores, BoundRanksUseTheirOwnCores) {
  EXPECT_EQ(threads_for_rank({{0}, {1}}, 0, 0), 1);
  EXPECT_EQ(threads_for_rank({{0, 1, 2, 3}, {4, 5}}, 0, 0), 4);
  EXPECT_EQ(threads_for_rank({{0, 1, 2, 3}, {4, 5}}, 1, 0), 2);
}

TEST(Cores, RanksThatMayRunAnywhereShare) {
  const std::vector<int> all{0, 1, 2, 3, 4, 5};
  EXPECT_EQ(threads_for_rank({all}, 0, 0), 6);
  EXPECT_EQ(threads_for_rank({all, all, all}, 1, 0), 2);
  EXPECT_EQ(threads_for_rank({all, all, all, all}, 1, 0), 1);
  EXPECT_EQ(threads_for_rank({{0, 1}, {0, 1}, {0, 1}, {0, 1}}, 3, 0), 1);
}

TEST(Cores, AQuotaIsSharedByTheRanksOfTheMachine) {
  std::vector<int> many(64);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_EQ(threads_for_rank({many}, 0, 4), 4);
  EXPECT_EQ(threads_for_rank({many, many}, 0, 4), 2);
  EXPECT_EQ(threads_for_rank({many}, 0, 0.5), 1);
}

}  // namespace
}  // namespace muybridge
