#include "parallel/world.h"

#include <gtest/gtest.h>
#include <mpi.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace muybridge {
namespace {

struct Outcome {
  int code = 0;
  std::string output;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  char text[4096];
  while (const std::size_t n = std::fread(text, 1, sizeof text, pipe))
    outcome.output.append(text, n);
  const int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

// Of a collective that nobody is to wait out.
constexpr double kLong = 300;

// Whether a rank waited until the time limit of its collectives was over.
bool waited(const Outcome& outcome) {
  return outcome.output.find("nothing from rank") != std::string::npos;
}

// Runs tests/parallel/rank_program.cpp on `ranks` ranks.
Outcome run_ranks(int ranks, const std::string& story, double time_limit_seconds,
                  double liveness_seconds = kLong) {
  return run(fmt::format("{} -np {} {} {} {} {}", MUYBRIDGE_MPIRUN, ranks, MUYBRIDGE_RANK_PROGRAM,
                         story, time_limit_seconds, liveness_seconds));
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++found;
  return found;
}

class WorldOfRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (started_by_launcher()) GTEST_SKIP() << "starts mpirun itself";
  }
};

TEST(World, AloneIsRankZeroOfOneAndStartsNoMpi) {
  if (started_by_launcher()) GTEST_SKIP() << "for one process";
  const World world;
  int mpi_started = 1;
  MPI_Initialized(&mpi_started);
  EXPECT_EQ(mpi_started, 0);
  EXPECT_EQ(world.rank(), 0);
  EXPECT_EQ(world.size(), 1);
  EXPECT_EQ(world.local_rank(), 0);
  EXPECT_EQ(world.local_size(), 1);
  EXPECT_EQ(world.hosts(), 1);
  EXPECT_FALSE(world.host().empty());
  EXPECT_GE(world.threads(), 1);
}

TEST_F(WorldOfRanks, EndsWithZeroAndKnowsItsNeighbours) {
  const Outcome outcome = run_ranks(3, "ends", 30);
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  for (const char* line : {"rank 0 of 3, 0 of 3 on this machine", "rank 1 of 3, 1 of 3 on this",
                           "rank 2 of 3, 2 of 3 on this machine"})
    EXPECT_NE(outcome.output.find(line), std::string::npos) << outcome.output;
}

TEST_F(WorldOfRanks, OneRankUnderMpirunNeedsNoMpi) {
  const Outcome outcome = run_ranks(1, "ends", 30);
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("rank 0 of 1"), std::string::npos) << outcome.output;
}

TEST_F(WorldOfRanks, AKilledRankEndsTheJobPromptly) {
  const Outcome outcome = run_ranks(3, "dies", kLong);
  EXPECT_NE(outcome.code, 0) << outcome.output;
  EXPECT_FALSE(waited(outcome)) << outcome.output;
}

TEST_F(WorldOfRanks, AStalledRankIsReportedAfterTheTimeLimit) {
  const Outcome outcome = run_ranks(3, "stalls", 2);
  EXPECT_EQ(outcome.code, 69) << outcome.output;
  EXPECT_NE(outcome.output.find("all_reduce of 400000 bytes in group 'world'"), std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("nothing from rank 1 of the job for 2 s"), std::string::npos)
      << outcome.output;
}

// Long before the time limit of a collective; ranks that do not watch it themselves hear of it.
TEST_F(WorldOfRanks, AStoppedRankIsFoundByItsMissingBeatsAndAllOthersNameIt) {
  const Outcome outcome = run_ranks(7, "stalls", kLong, 2);
  EXPECT_EQ(outcome.code, 69) << outcome.output;
  EXPECT_FALSE(waited(outcome)) << outcome.output;
  for (const int rank : {0, 2, 3, 4, 5, 6}) {
    EXPECT_NE(outcome.output.find(fmt::format("rank {}: rank 1 on ", rank)), std::string::npos)
        << rank << outcome.output;
  }
  EXPECT_EQ(count(outcome.output, "This rank's own thread is in"), 6U) << outcome.output;
  EXPECT_GE(count(outcome.output, "OperationResult::wait"), 6U) << outcome.output;
  EXPECT_NE(outcome.output.find("no sign of life for 2 s"), std::string::npos) << outcome.output;
}

TEST_F(WorldOfRanks, ARankThatHangsWhileOthersWaitIsNamedAndShowsWhere) {
  const Outcome outcome = run_ranks(3, "hangs", kLong, kLong);
  EXPECT_EQ(outcome.code, 69) << outcome.output;
  EXPECT_NE(outcome.output.find("it hangs in forward and backward"), std::string::npos)
      << outcome.output;
  for (const int rank : {0, 2})
    EXPECT_NE(outcome.output.find(fmt::format("rank {}: rank 1 on ", rank)), std::string::npos)
        << outcome.output;
  const std::size_t own = outcome.output.find("error rank 1: rank 1 on ");
  ASSERT_NE(own, std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("rank_program", own), std::string::npos) << outcome.output;
}

TEST_F(WorldOfRanks, ALongEvaluationIsNoLoss) {
  const Outcome outcome = run_ranks(3, "evaluates", kLong, 1);
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_EQ(outcome.output.find("lost"), std::string::npos) << outcome.output;
}

TEST_F(WorldOfRanks, AbortEndsTheJobWithItsCode) {
  const Outcome outcome = run_ranks(3, "aborts", kLong);
  EXPECT_EQ(outcome.code, 75) << outcome.output;
  EXPECT_FALSE(waited(outcome)) << outcome.output;
}

TEST_F(WorldOfRanks, AnExceptionThatPassesTheWorldEndsTheJobWithTheProcesssCode) {
  const Outcome outcome = run_ranks(2, "throws", kLong);
  EXPECT_EQ(outcome.code, 65) << outcome.output;
  EXPECT_FALSE(waited(outcome)) << outcome.output;
}

TEST_F(WorldOfRanks, ARankThatLeavesWithoutAWordEndsTheJob) {
  const Outcome outcome = run_ranks(2, "leaves", 3);
  EXPECT_NE(outcome.code, 0) << outcome.output;
}

}  // namespace
}  // namespace muybridge
