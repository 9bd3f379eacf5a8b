#include "train/records/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

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
  record_run(folder, "a: 1\n", describe_environment({"muybridge", "train"}, "cuda", {{"data", 2}}));
  EXPECT_EQ(read_file(folder.config()), "a: 1\n");
  const auto environment = nlohmann::json::parse(read_file(folder.environment()));
  EXPECT_EQ(environment["command_line"], (std::vector<std::string>{"muybridge", "train"}));
  EXPECT_EQ(environment["device"], "cuda");
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

// The holder lives until the one that waits has asked in vain, which it says.
TEST(RunFolder, WaitsForAKilledRunToDie) {
  const ScratchFolder root;
  const RunFolder folder{root.path()};
  int ready[2], words[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(words), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    const FolderLock lock = lock_run(folder);
    static_cast<void>(!::write(ready[1], "x", 1));
    for (;;) ::pause();
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const pid_t waiting = ::fork();
  if (waiting == 0) {
    ::dup2(words[1], STDERR_FILENO);
    try {
      const FolderLock lock = lock_run(folder, 600);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(words[1]);
  std::string said;
  while (said.find("holds it; waiting, at most 600 s") == std::string::npos &&
         ::read(words[0], &byte, 1) == 1)
    said += byte;
  EXPECT_NE(said.find("waiting"), std::string::npos) << "it did not wait: " << said;
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  int status = 0;
  ::waitpid(waiting, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace muybridge
