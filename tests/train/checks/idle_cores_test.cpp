#include "train/checks/idle_cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

TEST(IdleCores, AreNamedWithTheOptionsThatUseThem) {
  EXPECT_EQ(idle_cores_advice(2, 1, 16),
            "2 ranks of 1 thread leave 14 of this machine's 16 cores idle. Start it as 'mpirun "
            "--map-by slot:PE=8 --bind-to core ...', or with '--bind-to none', to use them all");
  EXPECT_TRUE(idle_cores_advice(1, 2, 4).starts_with(
      "1 rank of 2 threads leaves 2 of this machine's 4 cores idle. Start it as 'mpirun --map-by "
      "slot:PE=4 "));
}

TEST(IdleCores, AreNoneWhereEveryRankHasItsShare) {
  for (const auto& [ranks, threads, cores] :
       {std::array{2, 1, 2}, std::array{1, 4, 4}, std::array{3, 1, 5}, std::array{8, 1, 2}})
    EXPECT_EQ(idle_cores_advice(ranks, threads, cores), "") << ranks << " " << threads;
}

class IdleCoresOfARun : public testing::TrainingRun {};

TEST_F(IdleCoresOfARun, AreSaidWhenTheLauncherBoundARankToOne) {
  ::unsetenv("OMP_NUM_THREADS");
  ::unsetenv("OMPI_MCA_hwloc_base_binding_policy");
  if (cores_to_share() < 2) GTEST_SKIP() << "one core cannot be shared";
  const std::string launcher = "mpirun -np 1 ";
  const std::string command = train(1, "run", "train.steps=1 eval.samples=0");
  ASSERT_EQ(run_to_end(launcher + "--bind-to core " + command), 0) << log();
  EXPECT_TRUE(log_has("cores idle")) << log();
  ASSERT_EQ(run_to_end(launcher + "--bind-to none " + command), 0) << log();
  EXPECT_FALSE(log_has("cores idle")) << log();
  // Who says how many threads is not told better.
  ASSERT_EQ(run_to_end("env OMP_NUM_THREADS=1 " + launcher + "--bind-to core " + command), 0);
  EXPECT_FALSE(log_has("cores idle")) << log();
}

}  // namespace
}  // namespace muybridge
