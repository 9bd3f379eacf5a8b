// Commits that are killed, or refused by the system, at each of their calls to it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <map>
#include <sstream>

#include "core/error.h"
#include "core/system/file.h"
#include "core/system/temporary_file.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;
namespace fs = std::filesystem;
using Environment = std::map<std::string, std::string>;

constexpr int kRanks = 2;
constexpr int kIo = static_cast<int>(ExitCode::kIo);

// The child's exit code, or minus the signal that ended it. It says nothing.
int run_child(const std::vector<std::string>& arguments, const Environment& environment = {}) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (!environment.empty()) {
      ::setenv("LD_PRELOAD", KILL_AT_LIBRARY, 1);
      ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    }
    if (!::freopen("/dev/null", "w", stderr)) ::_exit(126);
    std::vector<char*> argv{const_cast<char*>(COMMIT_CHILD)};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(COMMIT_CHILD, argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int commit(const fs::path& folder, int step, Environment environment = {}) {
  if (!environment.empty()) environment["KILL_UNDER"] = folder.string();
  return run_child({"commit", folder.string(), std::to_string(kRanks), std::to_string(step)},
                   environment);
}

struct Call {
  std::string name;
  std::string path;
};

// The calls of the third commit over two that are there; it removes the first.
class CommitCalls {
 public:
  CommitCalls() {
    EXPECT_EQ(commit(folder_ / "before", 1), 0);
    EXPECT_EQ(commit(folder_ / "before", 2), 0);
    const fs::path checkpoints = fresh();
    EXPECT_EQ(commit(checkpoints, 3, {{"KILL_LOG", folder_ / "log"}}), 0);
    std::istringstream lines(read_file(folder_ / "log"));
    for (Call call; lines >> call.name >> call.path;) calls_.push_back(call);
    EXPECT_GT(calls_.size(), 40U);
  }

  // A new copy of the folder with commits 1 and 2.
  fs::path fresh() {
    const fs::path copy = folder_ / "checkpoints";
    fs::remove_all(copy);
    fs::copy(folder_ / "before", copy, fs::copy_options::recursive);
    return copy;
  }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  ScratchFolder folder_;
  std::vector<Call> calls_;
};

// The step that a resumed run starts from; -1 when what it loads is not that step's, bit by bit.
std::int64_t step_after_resume(const fs::path& checkpoints) {
  const auto newest = prepare_resume(checkpoints, *solo_group());
  if (!newest) return -1;
  const Parameters parameters = sample_parameters();
  TrainState state = blank_state(parameters);
  load_checkpoint(CheckpointReader(*newest), state);
  return difference_from_sample(state).empty() ? state.step : -1;
}

// Names of all files with their hashes.
std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> content;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      content[fs::relative(entry.path(), folder)] = hash_file(entry.path());
  return content;
}

void kill_at_every_call(bool half_of_writes) {
  CommitCalls commit_calls;
  const fs::path whole = commit_calls.fresh();
  ASSERT_EQ(commit(whole, 3), 0);
  const auto expected = content_of(whole);
  bool published = false;
  for (std::size_t n = 1; n <= commit_calls.calls().size(); ++n) {
    if (half_of_writes && commit_calls.calls()[n - 1].name != "write") continue;
    const fs::path checkpoints = commit_calls.fresh();
    Environment environment{{"KILL_AT", std::to_string(n)}};
    if (half_of_writes) environment["KILL_HALF"] = "1";
    ASSERT_EQ(commit(checkpoints, 3, environment), -SIGKILL) << "call " << n;
    const std::int64_t step = step_after_resume(checkpoints);
    ASSERT_TRUE(step == 2 || step == 3) << "call " << n << " gave step " << step;
    published = published || step == 3;
    // The run goes on: the same command makes what a run never killed would have made.
    ASSERT_EQ(commit(checkpoints, 3), 0) << "call " << n;
    ASSERT_EQ(content_of(checkpoints), expected) << "call " << n;
  }
  // The renames are among the calls: both outcomes were seen.
  EXPECT_TRUE(published);
}

TEST(CheckpointCrash, KilledAtAnyCallTheOldOrTheNewCommitIsWhole) { kill_at_every_call(false); }

TEST(CheckpointCrash, KilledHalfWayThroughAnyWriteTheOldOrTheNewCommitIsWhole) {
  kill_at_every_call(true);
}

void fail_at_every_call(int error, bool on) {
  CommitCalls commit_calls;
  int failed = 0;
  for (std::size_t n = 1; n <= commit_calls.calls().size(); ++n) {
    const fs::path checkpoints = commit_calls.fresh();
    Environment environment{{"FAIL_AT", std::to_string(n)}, {"FAIL_ERRNO", std::to_string(error)}};
    if (on) environment["FAIL_ON"] = "1";
    const int code = commit(checkpoints, 3, environment);
    // A call whose failure costs nothing may pass, such as truncating a file before its end.
    ASSERT_TRUE(code == kIo || code == 0) << "call " << n << " gave " << code;
    failed += code == kIo ? 1 : 0;
    const std::int64_t step = step_after_resume(checkpoints);
    ASSERT_TRUE(step == 3 || (step == 2 && code == kIo)) << "call " << n << " gave step " << step;
  }
  EXPECT_GT(failed, static_cast<int>(commit_calls.calls().size()) * 9 / 10);
}

TEST(CheckpointCrash, ADiskThatIsFullFromAnyCallOnCostsTheNewCommitOnly) {
  fail_at_every_call(ENOSPC, true);
}

TEST(CheckpointCrash, AnErrorOfTheDiskAtAnyCallCostsTheNewCommitOnly) {
  fail_at_every_call(EIO, false);
}

// What a power cut leaves is what was flushed: nothing may be given its name before.
TEST(CheckpointCrash, NothingIsRenamedBeforeItIsOnTheDisk) {
  const CommitCalls commit_calls;
  const std::vector<Call>& calls = commit_calls.calls();
  // The last call of that name whose path fits, before another.
  const auto last_that = [&](const std::string& name, const auto& fits, std::size_t before) {
    for (std::size_t i = before; i-- > 0;)
      if (calls[i].name == name && fits(fs::path(calls[i].path))) return static_cast<long>(i);
    return -1L;
  };
  const auto last = [&](const std::string& name, const std::string& end, std::size_t before) {
    return last_that(
        name, [&](const fs::path& path) { return path.string().ends_with(end); }, before);
  };
  const auto last_temporary = [&](const std::string& name, const std::string& target,
                                  std::size_t before) {
    return last_that(
        name,
        [&](const fs::path& path) { return is_temporary_of(path.filename().string(), target); },
        before);
  };
  const std::size_t count = calls.size();
  const long publish = last("rename", "checkpoints/step-00000003", count);
  const long latest = last("rename", "checkpoints/latest", count);
  const long removal = last("rename", ".step-00000001.old.tmp", count);
  for (const long call : {publish, latest, removal}) ASSERT_GT(call, 0);
  for (const char* file : {"rank-0000.h5", "rank-0001.h5"}) {
    const long flushed = last("fsync", file, count);
    EXPECT_GT(flushed, last("write", file, count)) << file;
    EXPECT_LT(flushed, publish) << file;
  }
  for (const char* file : {"manifest.json", "latest"}) {
    ASSERT_GT(last_temporary("write", file, count), 0) << file;
    EXPECT_GT(last_temporary("fsync", file, count), last_temporary("write", file, count)) << file;
    EXPECT_LT(last_temporary("fsync", file, count), last("rename", file, count)) << file;
  }
  // The folder, with the manifest in it, then its new name, then `latest`, then the removal.
  EXPECT_GT(last("fsync", ".step-00000003.tmp", count), last("rename", "manifest.json", count));
  EXPECT_LT(last("fsync", ".step-00000003.tmp", count), publish);
  EXPECT_GT(last("fsync", "/checkpoints", static_cast<std::size_t>(latest)), publish);
  EXPECT_GT(latest, publish);
  EXPECT_GT(removal, latest);
  EXPECT_GT(last("fsync", "/checkpoints", static_cast<std::size_t>(removal)), latest);
}

TEST(CheckpointCrash, AFullDiskCostsTheNewCommitOnlyHoweverMuchIsLeft) {
  int failed = 0, passed = 0;
  for (int free = 0; free <= 160 * 1024; free += 4096) {
    const ScratchFolder folder;
    const int code = run_child({"full-disk", folder.path().string(), std::to_string(free)});
    if (code == 77) {
      std::cout << "this machine lets us mount no small disk; limited file sizes and errors put in "
                   "place of calls are tested instead\n";
      return;
    }
    ASSERT_TRUE(code == kIo || code == 0) << free << " bytes left gave " << code;
    ++(code == kIo ? failed : passed);
  }
  EXPECT_GT(failed, 5);
  EXPECT_GT(passed, 0);
}

TEST(CheckpointCrash, AFileThatMayNotGrowCostsTheNewCommitOnly) {
  int failed = 0;
  for (int bytes = 0; bytes <= 32 * 1024; bytes += 1024) {
    const ScratchFolder folder;
    const int code = run_child({"file-limit", folder.path().string(), std::to_string(bytes)});
    ASSERT_TRUE(code == kIo || code == 0) << "a limit of " << bytes << " gave " << code;
    failed += code == kIo ? 1 : 0;
  }
  EXPECT_GT(failed, 5);
}

}  // namespace
}  // namespace muybridge
