#include "train/records/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "core/system/file.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

using testing::ScratchFolder;

TEST(RunFolder, HasTheLayoutThatIsDocumented) {
  const RunFolder folder{"runs/x"};
  EXPECT_EQ(folder.log(3), "runs/x/logs/rank-0003.log");
  EXPECT_EQ(folder.samples(12000), "runs/x/samples/step-00012000");
  EXPECT_EQ(folder.checkpoints(), "runs/x/checkpoints");
  EXPECT_EQ(folder.metrics(), "runs/x/metrics.jsonl");
}

TEST(RunFolder, RecordsTheConfigurationAndTheEnvironment) {
  const ScratchFolder root;
  const RunFolder folder{root.path()};
  record_run(folder, "a: 1\n", describe_environment({"muybridge", "train"}, {{"data", 2}}));
  EXPECT_EQ(read_file(folder.config()), "a: 1\n");
  const auto environment = nlohmann::json::parse(read_file(folder.environment()));
  EXPECT_EQ(environment["command_line"], (std::vector<std::string>{"muybridge", "train"}));
  EXPECT_EQ(environment["layout"]["data"], 2);
  for (const char* library : {"muybridge", "compiler", "mpi", "onednn", "hdf5", "libav"})
    EXPECT_FALSE(environment["versions"][library].get<std::string>().empty()) << library;
  EXPECT_GT(environment["machine"]["cores"], 0);
}

TEST(RunFolder, OneProcessAtATimeTrainsInIt) {
  const ScratchFolder root;
  const RunFolder folder{root.path()};
  const FolderLock lock = lock_run(folder);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      const FolderLock second = lock_run(folder, 0.3);
    } catch (const Error& error) {
      ::_exit(error.code() == ExitCode::kUsage ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(RunFolder, WaitsForAKilledRunToDie) {
  const ScratchFolder root;
  const RunFolder folder{root.path()};
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock = lock_run(folder);
    static_cast<void>(!::write(ready[1], "x", 1));
    ::usleep(400'000);  // any time within the wait would do
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NO_THROW(lock_run(folder, 20));
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace muybridge
