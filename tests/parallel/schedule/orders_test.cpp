#include "parallel/schedule/orders.h"

#include <gtest/gtest.h>

#include "parallel/schedule/simulator.h"
#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

// Whole numbers that are powers of two apart, so that sums are exact: F, B of inputs, B of weights,
// and an activation of which BackwardInput releases nothing, as all published figures have it.
constexpr SectionCost kUneven{1, 4, 2, 1, 1};
constexpr SectionCost kEven{1, 1, 1, 1, 1};

template <class Body>
void for_all_sizes(const Body& body) {
  for (int p = 2; p <= 16; ++p)
    for (int m = 1; m <= 64; ++m) body(p, m);
}

Simulation run(ScheduleKind kind, int p, int v, int m, SectionCost rank) {
  // A rank's chunks together cost v times `rank`, so that a chunk costs whole numbers.
  rank = {rank.forward * v, rank.backward_input * v, rank.backward_weight * v, rank.activation * v,
          rank.kept * v};
  return simulate(schedule_of(kind, p, v, m, rank), equal_costs(placement_of(kind, p, v), rank));
}

TEST(OneFOneB, RunsAsManyForwardsAheadAsRanksFollow) {
  EXPECT_EQ(to_string(one_f_one_b({.stage = 2, .stages = 4, .micro_batches = 3})),
            "F0 F1 B0 F2 B1 B2");
  EXPECT_EQ(to_string(one_f_one_b({.stage = 0, .stages = 4, .micro_batches = 2})), "F0 F1 B0 B1");
}

// arXiv:1811.06965: all micro-batches are held; m + p - 1 turns of F and B, of which m work.
TEST(Gpipe, BubbleAndMemoryAreThePublishedOnes) {
  for_all_sizes([](int p, int m) {
    const Simulation s = run(ScheduleKind::kGpipe, p, 1, m, kUneven);
    EXPECT_EQ(s.finish, (m + p - 1) * 7) << p << " stages, " << m;
    EXPECT_DOUBLE_EQ(s.bubble, (p - 1.0) / (m + p - 1.0));
    for (const double peak : s.peak_activation) EXPECT_EQ(peak, m);
  });
}

// arXiv:2006.09503, arXiv:2104.04473 section 2.2.1: the time of gpipe; rank r holds p - r.
TEST(OneFOneB, BubbleAndMemoryAreThePublishedOnes) {
  for_all_sizes([](int p, int m) {
    const Simulation s = run(ScheduleKind::k1F1B, p, 1, m, kUneven);
    EXPECT_EQ(s.finish, (m + p - 1) * 7) << p << " stages, " << m;
    EXPECT_DOUBLE_EQ(s.bubble, (p - 1.0) / (m + p - 1.0));
    for (int r = 0; r < p; ++r)
      EXPECT_EQ(s.peak_activation[static_cast<std::size_t>(r)], std::min(p - r, m));
  });
}

// arXiv:2104.04473 section 2.2.2: the wait at the ends is that of one chunk, (p - 1) (F + B) / v;
// rank r runs 2 (p - 1 - r) + (v - 1) p chunks ahead. Both hold where m is a multiple of p. Else
// memory stays below, and the time lies between those of the multiples around (nothing published).
TEST(Interleaved, BubbleAndMemoryAreThePublishedOnes) {
  for (const int v : {1, 2, 3, 4})
    for_all_sizes([&](int p, int m) {
      const Simulation s = run(ScheduleKind::kInterleaved, p, v, m, kUneven);
      const int next = (m + p - 1) / p * p;
      const int largest = (next * v + p - 1) * 7;
      if (m == next)
        EXPECT_EQ(s.finish, largest) << p << " stages, " << v << " chunks, " << m;
      else
        EXPECT_LE(s.finish, largest) << p << " stages, " << v << " chunks, " << m;
      EXPECT_GE(s.finish, (m * v + p - 1) * 7);
      for (int r = 0; r < p; ++r) {
        const int held = std::min(2 * (p - 1 - r) + (v - 1) * p + 1, v * m);
        if (m == next)
          EXPECT_EQ(s.peak_activation[static_cast<std::size_t>(r)], held)
              << p << " " << v << " " << m;
        else
          EXPECT_LE(s.peak_activation[static_cast<std::size_t>(r)], held)
              << p << " " << v << " " << m;
      }
    });
}

TEST(Interleaved, WalksInGroupsOfAsManyMicroBatchesAsRanks) {
  EXPECT_EQ(
      to_string(interleaved({.stage = 1, .stages = 2, .micro_batches = 3, .virtual_stages = 2})),
      "F0 F1 F0.1 B0.1 F1.1 B1.1 F2 B0 B1 F2.1 B2.1 B2");
}

// Ours: no more bubble than interleaved has, at the memory of 1F1B. Holds where m is a multiple of
// p.
TEST(ZbInterleaved, HasTheBubbleOfInterleavedAtTheMemoryOf1F1B) {
  for (const int v : {1, 2, 3, 4})
    for (int p = 2; p <= 16; ++p)
      for (int m = p; m <= 64; m += p) {
        PipelineSchedule schedule{{p, v, Fold::kLooped}, m, {}};
        for (int r = 0; r < p; ++r) schedule.ranks.push_back(zb_interleaved({r, p, m, v}, 0, 0));
        const PipelineCosts costs{
            std::vector<SectionCost>(static_cast<std::size_t>(p * v), kUneven), 0};
        const Simulation s = simulate(schedule, costs, Sends::kImplied);
        EXPECT_LE(s.finish, (m * v + p - 1) * 7) << p << " stages, " << v << " chunks, " << m;
        for (int r = 0; r < p; ++r)
          EXPECT_EQ(s.peak_activation[static_cast<std::size_t>(r)], v * p - r)
              << p << " stages, " << v << " chunks, " << m;
      }
}

TEST(ZbInterleaved, WeightGradientsComeLaterByAsMuchAsAsked) {
  EXPECT_EQ(to_string(zb_interleaved(
                {.stage = 1, .stages = 2, .micro_batches = 2, .virtual_stages = 2}, 0, 1)),
            "F0 F1 F0.1 I0.1 F1.1 I1.1 W0.1 I0 I1 W1.1 W0 W1");
}

// arXiv:2401.10241 table 1: (p - 1) (F + B - W), p micro-batches at most, at F = B = W a third of
// 1F1B's (p - 1) (F + B + W). Holds from m = p on; with fewer the ranks wait for the one
// micro-batch that goes round, 2 (p - 1) - (m - 1) passes.
TEST(ZbH1, BubbleIsAThirdOf1F1BsAndMemoryTheSame) {
  for_all_sizes([](int p, int m) {
    const Simulation s = run(ScheduleKind::kZbH1, p, 1, m, kEven);
    EXPECT_EQ(s.finish, 3 * m + (m >= p ? p - 1 : 2 * (p - 1) - (m - 1))) << p << " stages, " << m;
    for (const double peak : s.peak_activation) EXPECT_EQ(peak, std::min(p, m));
  });
}

TEST(ZbH1, FirstRankKeepsNoWeightGradientBackAndTheLastKeepsAll) {
  EXPECT_EQ(to_string(zb_h1({.stage = 0, .stages = 3, .micro_batches = 4})),
            "F0 F1 F2 I0 W0 F3 I1 W1 I2 W2 I3 W3");
  EXPECT_EQ(to_string(zb_h1({.stage = 2, .stages = 3, .micro_batches = 4})),
            "F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3");
}

}  // namespace
}  // namespace muybridge
