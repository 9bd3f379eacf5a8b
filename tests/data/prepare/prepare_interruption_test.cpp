// What a preparation that is killed, stopped, starved of disk or run twice leaves behind.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/system/folder_lock.h"
#include "tests/data/prepare/prepare_fixture.h"

namespace muybridge {
namespace {

// The program itself, killed in place of the call number `call` that changes the output; 0: not at
// all. Minus the signal that ended it, or its exit status.
int run_program(const PrepareOptions& options, int call, const std::string& log = "") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("KILL_UNDER", options.output.c_str(), 1);
    ::setenv("KILL_AT", fmt::format("{}", call).c_str(), 1);
    if (!log.empty()) ::setenv("KILL_LOG", log.c_str(), 1);
    ::setenv("LD_PRELOAD", KILL_AT_LIBRARY, 1);
    ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    if (::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(126);
    ::execl(MUYBRIDGE_BINARY, MUYBRIDGE_BINARY, "prepare", options.input.c_str(),
            options.output.c_str(), "--frames", "16", "--workers", "1", "--shard-mb", "0.1",
            nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST_F(Prepare, AKilledRunGoesOnWhereItWas) {
  clips(20);
  const fs::path out = options_.output;
  const fs::path log = folder_ / "calls";
  options_.output = folder_ / "undisturbed";
  ASSERT_EQ(run_program(options_, 0, log.string()), 0);
  const auto wanted = contents();
  const std::string calls = read_file(log);
  const auto all = static_cast<int>(std::count(calls.begin(), calls.end(), '\n'));
  ASSERT_GT(all, 40);
  options_.output = out;
  int kills = 0;
  int ended = -SIGKILL;
  for (; ended == -SIGKILL && kills < 40; ++kills) ended = run_program(options_, all / 4);
  EXPECT_EQ(ended, 0);
  EXPECT_GE(kills, 4);  // the last was none
  EXPECT_EQ(report().at("sources_present").get<int>() + report().at("clips_made").get<int>(), 20);
  EXPECT_GT(report().at("sources_present").get<int>(), 0);
  EXPECT_EQ(contents(), wanted);
}

TEST_F(Prepare, AStopKeepsWhatIsDone) {
  clips(60);
  std::atomic<bool> stop{false};
  options_.workers = 1;
  options_.shard_bytes = 1;  // a shard a clip
  std::thread stopper([&] {
    while (!fs::exists(shard_path(options_.output, 2)))
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    stop = true;
  });
  try {
    prepare_corpus(options_, stop);
    ADD_FAILURE() << "was not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kPreempted);
  }
  stopper.join();
  const std::size_t kept = contents().size();
  EXPECT_GE(kept, 3U);
  EXPECT_LT(kept, 60U);
  EXPECT_FALSE(report().at("complete").get<bool>());
  EXPECT_EQ(run().clips_made, static_cast<std::int64_t>(60 - kept));
  EXPECT_TRUE(report().at("complete").get<bool>());
}

// A limit on the size of files stands for a full disk: the large clip does not fit.
TEST_F(Prepare, AFullDiskLosesNothingThatWasCommitted) {
  clips(4);
  write("in/huge.txt", "too large");
  ffmpeg("-f lavfi -i testsrc=size=512x512:rate=16:duration=1 -c:v libx264 -preset ultrafast",
         "in/huge.mp4");
  // Eight frames of the largest size are shared with a decoder, which counts as a file.
  options_.settings.size = {.resize = Resize::kFit, .width = 512, .height = 512, .multiple = 16};
  options_.shard_bytes = 1;
  options_.workers = 1;  // the large one comes after the others
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{8 << 20, 8 << 20};
    ::setrlimit(RLIMIT_FSIZE, &small);
    int code = 0;
    try {
      run();
    } catch (const Error& error) {
      code = static_cast<int>(error.code());
    }
    std::_Exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::kIo));
  EXPECT_EQ(contents().size(), 4U);
  for (const auto& entry : fs::directory_iterator(options_.output)) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
  EXPECT_EQ(run().clips_made, 1);
  EXPECT_EQ(contents().size(), 5U);
}

TEST_F(Prepare, PartsShareTheWork) {
  clips(9);
  write("in/bad.mp4", "no");
  write("in/bad.txt", "x");
  run();
  const auto wanted = contents();
  options_.output = folder_ / "shared";
  options_.parts = 3;
  for (const int part : {2, 0, 1}) {
    options_.part = part;
    run();
  }
  EXPECT_EQ(contents(), wanted);
  EXPECT_EQ(list_shards(options_.output).size(), 3U);
  EXPECT_EQ(report().at("sources").get<int>(), 10);
  EXPECT_EQ(report().at("clips_made").get<int>(), 9);
  EXPECT_EQ(report().at("skipped").size(), 1U);
  options_.parts = 1;
  options_.part = 0;
  EXPECT_EQ(run().clips_made, 0);
}

TEST_F(Prepare, TwoAtOnceAreRefused) {
  clips(1);
  fs::create_directories(options_.output);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(options_.output / ".prepare-0-of-1.lock", 0, "busy");
    ::raise(SIGSTOP);
    std::_Exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  ASSERT_TRUE(WIFSTOPPED(status));
  try {
    run();
    ADD_FAILURE() << "two at once";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("another prepare"), std::string::npos);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  EXPECT_EQ(run().clips_made, 1);  // the lock of a dead process is none
}

}  // namespace
}  // namespace muybridge
