#include "cli/thread_waiting.h"

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

class ThreadWaiting : public testing::TrainingRun {
 protected:
  // What a run that is started with these settings sees of libgomp's.
  nlohmann::json variables(const std::string& settings) {
    std::filesystem::remove_all(run("run"));
    EXPECT_EQ(run_to_end(fmt::format("env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT {} {}", settings,
                                     train(1, "run", "train.steps=1 eval.samples=0"))),
              0)
        << log();
    return nlohmann::json::parse(read_file(run("run") / "environment.json")).at("variables");
  }
};

TEST_F(ThreadWaiting, SpinsForMicrosecondsUnlessTheUserSaysOtherwise) {
  EXPECT_EQ(variables("").at("GOMP_SPINCOUNT"), "1000");
  EXPECT_EQ(variables("GOMP_SPINCOUNT=7").at("GOMP_SPINCOUNT"), "7");
  EXPECT_FALSE(variables("OMP_WAIT_POLICY=active").contains("GOMP_SPINCOUNT"));
}

}  // namespace
}  // namespace muybridge
