#include "train/slow_ranks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

SlowRankJudge::Kinds of_all_sections(const std::vector<int>& kinds) {
  SlowRankJudge::Kinds all;
  all.fill(kinds);
  return all;
}

double& part(SectionSeconds& seconds, Section section) {
  return seconds[static_cast<std::size_t>(section)];
}

// Steps of ranks that take about what they took in the runs that bench/results/nodes.md tells of:
// forward and backward spread by `noise` around `compute` for an operation, with a hiccup of ten
// times as much now and then; the rest is small.
class Recording {
 public:
  explicit Recording(int ranks, const std::vector<int>& kinds = {})
      : ranks_(ranks),
        judge_(of_all_sections(kinds.empty() ? std::vector<int>(static_cast<std::size_t>(ranks))
                                             : kinds)),
        factor_(static_cast<std::size_t>(ranks)) {
    for (SectionSeconds& factors : factor_) factors.fill(1);
  }
  double& factor(int rank, Section section) {
    return part(factor_[static_cast<std::size_t>(rank)], section);
  }
  // So many steps; who was named, in order.
  std::vector<SlowRank> run(int steps) {
    std::vector<SlowRank> named;
    for (int begin = 0; begin < steps; begin += SlowRanks::kSteps) {
      std::vector<RankTimes> reports;
      for (int rank = 0; rank < ranks_; ++rank) {
        std::vector<OwnTimes> times;
        for (int step = 0; step < SlowRanks::kSteps; ++step) times.push_back(step_of(rank));
        reports.push_back(typical_of(times));
      }
      for (const SlowRank& slow : judge_.judge(reports)) named.push_back(slow);
    }
    return named;
  }

 private:
  OwnTimes step_of(int rank) {
    std::lognormal_distribution<double> spread(0, 0.12);
    std::bernoulli_distribution hiccup(0.03);
    std::uniform_int_distribution<int> batches(1, 3);
    OwnTimes times{.operations = 1e9 * batches(random_), .step_seconds = 0.7};
    const auto draw = [&](Section section, double seconds) {
      part(times.seconds, section) =
          seconds * factor(rank, section) * spread(random_) * (hiccup(random_) ? 10 : 1);
    };
    draw(Section::kCompute, 0.2e-9 * times.operations);
    draw(Section::kOptimizer, 0.05);
    draw(Section::kData, 1e-4);
    draw(Section::kCommit, 1e-3);
    return times;
  }

  int ranks_;
  std::mt19937 random_{3};
  SlowRankJudge judge_;
  std::vector<SectionSeconds> factor_;
};

// The one that reads the clips is not slower than the others that get them, nor is the one that
// keeps the records.
TEST(SlowRankJudge, RanksOfOtherRolesAreNotCompared) {
  const MeshSizes sizes{.data = 2, .tensor = 2, .pipeline = 2};
  const SlowRankJudge::Kinds kinds = kinds_of(sizes);
  const auto of = [&](Section section) { return kinds[static_cast<std::size_t>(section)]; };
  EXPECT_EQ(of(Section::kData), (std::vector<int>{1, 0, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(of(Section::kCommit), (std::vector<int>{-1, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(of(Section::kCompute), (std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1}));
  SlowRankJudge judge(kinds);
  std::vector<RankTimes> reports(8);
  for (std::size_t rank = 0; rank < 8; ++rank) {
    reports[rank].step_seconds = 1;
    part(reports[rank].seconds, Section::kData) = rank == 0 || rank == 2 ? 0.3 : 1e-4;
    part(reports[rank].seconds, Section::kCommit) = rank == 0 ? 0.2 : 0.02;
  }
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(judge.judge(reports).empty());
  part(reports[2].seconds, Section::kData) = 0.6;
  std::vector<SlowRank> named;
  for (int i = 0; i < 3; ++i)
    for (const SlowRank& slow : judge.judge(reports)) named.push_back(slow);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].rank, 2);
  EXPECT_EQ(named[0].section, Section::kData);
}

// Rank 0 keeps the records, which takes it as long in each commit as in the first.
TEST(SlowRankJudge, CommitsThatComeNowAndThenAreHeldAgainstTheFirst) {
  SlowRankJudge judge(kinds_of({.data = 2}));
  const auto named = [&](double seconds) {
    std::vector<RankTimes> reports(2, RankTimes{.step_seconds = 0.1});
    part(reports[0].seconds, Section::kCommit) = seconds;
    part(reports[1].seconds, Section::kCommit) = seconds / 10;
    return judge.judge(reports).size();
  };
  for (int i = 0; i < 5; ++i)
    for (const double seconds : {0.0, 0.0, 0.05}) EXPECT_EQ(named(seconds), 0U);
  std::size_t later = 0;
  for (int i = 0; i < 3; ++i) later += named(0.2);
  EXPECT_EQ(later, 2U) << "both are slower than they were";
}

TEST(SlowRankJudge, NamesARankThatIsHalfAsSlowAgainWithinFiftyStepsAndItsSection) {
  for (const int ranks : {2, 3, 8, 64}) {
    Recording recording(ranks);
    EXPECT_TRUE(recording.run(100).empty()) << ranks;
    recording.factor(1, Section::kCompute) = 1.5;
    const std::vector<SlowRank> named = recording.run(50);
    ASSERT_EQ(named.size(), 1U) << ranks;
    EXPECT_EQ(named[0].rank, 1);
    EXPECT_EQ(named[0].section, Section::kCompute);
    EXPECT_NEAR(named[0].ratio, 1.5, 0.2);
    EXPECT_GT(named[0].excess, 0.05) << "seconds a step of one to three micro-batches";
    EXPECT_LT(named[0].excess, 0.45);
    EXPECT_TRUE(recording.run(500).empty()) << "named once";
  }
}

TEST(SlowRankJudge, FromTheFirstStepOn) {
  Recording recording(4);
  recording.factor(3, Section::kOptimizer) = 3;
  const std::vector<SlowRank> named = recording.run(50);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].rank, 3);
  EXPECT_EQ(named[0].section, Section::kOptimizer);
}

TEST(SlowRankJudge, NamesSlowDiskAndCommits) {
  Recording recording(4);
  recording.factor(2, Section::kData) = 2000;
  recording.factor(0, Section::kCommit) = 500;
  const std::vector<SlowRank> named = recording.run(50);
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0].section, Section::kCommit);
  EXPECT_EQ(named[1].section, Section::kData);
  EXPECT_EQ(named[1].rank, 2);
}

TEST(SlowRankJudge, NamesNobodyInTenThousandCleanSteps) {
  for (const int ranks : {2, 3, 8}) EXPECT_TRUE(Recording(ranks).run(10'000).empty()) << ranks;
}

TEST(SlowRankJudge, WhatCostsLittleOfAStepIsNotSaid) {
  Recording recording(4);
  recording.factor(1, Section::kData) = 5;
  EXPECT_TRUE(recording.run(200).empty());
}

TEST(SlowRankJudge, NamesItAgainOnceItWasWellInBetween) {
  Recording recording(4);
  recording.factor(1, Section::kCompute) = 2;
  EXPECT_EQ(recording.run(50).size(), 1U);
  recording.factor(1, Section::kCompute) = 1;
  EXPECT_EQ(recording.run(50).size(), 0U);
  recording.factor(1, Section::kCompute) = 2;
  EXPECT_EQ(recording.run(50).size(), 1U);
}

// Stages of a pipeline have unlike work: each is held against its own kind, or its own past.
TEST(SlowRankJudge, StagesAreNotComparedWithEachOther) {
  Recording alone(2, {0, 1});
  alone.factor(1, Section::kCompute) = 2;
  EXPECT_TRUE(alone.run(100).empty());
  alone.factor(1, Section::kCompute) = 3.2;
  const std::vector<SlowRank> named = alone.run(50);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].rank, 1);

  Recording pairs(4, {0, 0, 1, 1});
  pairs.factor(2, Section::kCompute) = pairs.factor(3, Section::kCompute) = 2;
  EXPECT_TRUE(pairs.run(100).empty());
  pairs.factor(3, Section::kCompute) = 3.2;
  ASSERT_EQ(pairs.run(50).size(), 1U);
}

TEST(SlowRankJudge, ARankWithoutMicroBatchesIsNoMeasure) {
  SlowRankJudge judge(of_all_sections({0, 0, 0}));
  RankTimes busy{.operations = 1e9, .step_seconds = 1};
  part(busy.seconds, Section::kCompute) = 0.5e-9;
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(judge.judge({busy, busy, RankTimes{.step_seconds = 1}}).empty());
}

TEST(SlowRanks, ReportsOfAllRanksMeetOnRankZeroWhichWarnsOnce) {
  ::testing::internal::CaptureStderr();
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    SlowRanks slow_ranks(Mesh(group), {"a", "b", "c"});
    for (int step = 0; step < 5 * SlowRanks::kSteps; ++step) {
      OwnTimes times{.operations = 1e9, .step_seconds = 0.4};
      part(times.seconds, Section::kCompute) = group->rank() == 2 ? 0.31 : 0.2;
      slow_ranks.add(times);
      group->barrier().wait();
    }
  });
  const std::string said = ::testing::internal::GetCapturedStderr();
  const std::size_t at = said.find("rank 2 on c takes 1.55 times as long");
  EXPECT_NE(at, std::string::npos) << said;
  EXPECT_EQ(said.find("times as long", at + 40), std::string::npos) << said;
}

TEST(SlowRanks, TheWarningNamesRankMachineSectionAndRatio) {
  const std::string text =
      describe({.rank = 3, .section = Section::kCompute, .ratio = 1.52, .excess = 0.21}, "node-b");
  EXPECT_NE(text.find("rank 3 on node-b takes 1.52 times as long as the others in forward and "
                      "backward, 0.21 s a step"),
            std::string::npos)
      << text;
  EXPECT_NE(describe({.rank = 0, .section = Section::kData, .ratio = INFINITY, .excess = 1}, "a")
                .find("needs time where the others need none in reading data"),
            std::string::npos);
}

}  // namespace
}  // namespace muybridge
