#include <gtest/gtest.h>

#include <algorithm>

#include "parallel/schedule/simulator.h"
#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

double idle_between_actions(const PipelineSchedule& schedule, const Simulation& s, std::size_t r) {
  double idle = 0;
  double clock = -1;
  for (std::size_t k = 0; k < s.spans[r].size(); ++k) {
    if (!schedule.ranks[r][k].computes()) continue;
    if (clock >= 0) idle += s.spans[r][k].start - clock;
    clock = s.spans[r][k].finish;
  }
  return idle;
}

// arXiv:2401.10241 section 6, where a rank's time runs from its first action to its last: no bubble
// at F = B = W, and p micro-batches at most, as 1F1B. By the clock of all ranks what stays is the
// way of the first forward to the last rank, p - 1 passes of a chunk. Holds from m = 2 p on, and on
// each rank all of p micro-batches from 2 p - 1 on; nothing is published for fewer.
TEST(ZbV, NoRankIdlesOnceItBegan) {
  for (int p = 2; p <= 16; ++p)
    for (int m = 2 * p; m <= 64; ++m) {
      const PipelineSchedule schedule = schedule_of(ScheduleKind::kZbV, p, 2, m, {2, 2, 2, 2, 2});
      const Simulation s = simulate(schedule, equal_costs(schedule.placement, {2, 2, 2, 2, 2}));
      EXPECT_EQ(s.finish, 6 * m + p - 1) << p << " stages, " << m;
      for (std::size_t r = 0; r < schedule.ranks.size(); ++r) {
        EXPECT_EQ(idle_between_actions(schedule, s, r), 0)
            << p << " stages, " << m << ", rank " << r;
        EXPECT_EQ(s.peak_activation[r], 2 * p) << p << " stages, " << m << ", rank " << r;
      }
    }
}

TEST(ZbV, FewMicroBatchesNeedNoMoreMemoryThanMany) {
  for (int p = 2; p <= 16; ++p)
    for (int m = 1; m < 2 * p; ++m) {
      const PipelineSchedule schedule = schedule_of(ScheduleKind::kZbV, p, 2, m, {2, 2, 2, 2, 2});
      const Simulation s = simulate(schedule, equal_costs(schedule.placement, {2, 2, 2, 2, 2}));
      EXPECT_LE(s.largest_activation(), std::min(2 * p, 2 * m)) << p << " stages, " << m;
    }
}

TEST(ZbV, BeginsAndEndsOnTheFirstRank) {
  const PipelineSchedule schedule = schedule_of(ScheduleKind::kZbV, 2, 2, 4, {1, 1, 1, 1, 1});
  EXPECT_EQ(
      computations_of(schedule, 0),
      "F0 F1 F2 F0.1 I0.1 W0.1 F1.1 I1.1 W1.1 F3 I0 W0 F2.1 I2.1 W2.1 I1 W1 F3.1 I3.1 W3.1 I2 "
      "W2 I3 W3");
}

}  // namespace
}  // namespace muybridge
