#include "parallel/host/local_ranks.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/error.h"

namespace muybridge {
namespace {

TEST(LocalRanks, EachRankRunsTheBodyOnce) {
  for (const int size : {1, 4}) {
    std::atomic<int> seen = 0;
    run_local_ranks(size, [&](const std::shared_ptr<Group>& group) {
      EXPECT_EQ(group->size(), size);
      seen += 1 << (4 * group->rank());
    });
    EXPECT_EQ(seen, size == 1 ? 0x1 : 0x1111);
  }
}

TEST(LocalRanks, ThrowsWhatTheFirstFailingRankThrew) {
  EXPECT_THROW(run_local_ranks(
                   3,
                   [](const std::shared_ptr<Group>& group) {
                     if (group->rank() == 1) throw std::out_of_range("rank 1 only");
                     if (group->rank() == 2) throw std::domain_error("rank 2");
                   },
                   /*time_limit_seconds=*/0.2),
               Error);  // rank 0 misses the others
}

}  // namespace
}  // namespace muybridge
