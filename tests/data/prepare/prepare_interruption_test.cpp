// What a preparation that is killed, stopped, starved of disk or run twice leaves behind.
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "core/system/folder_lock.h"
#include "tests/data/prepare/prepare_fixture.h"

namespace muybridge {
namespace {

TEST_F(Prepare, AKilledRunGoesOnWhereItWas) {
  clips(30);
  options_.shard_bytes = 100000;  // a shard every second clip
  options_.workers = 1;
  options_.output = folder_ / "undisturbed";
  run();
  const auto wanted = contents();
  options_.output = folder_ / "out";
  int kills = 0;
  for (int attempt = 0; attempt < 6; ++attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
      run();
      std::_Exit(0);
    }
    // Killed as soon as it has made two shards more.
    const auto shards = [&] {
      return fs::exists(options_.output) ? list_shards(options_.output).size() : 0;
    };
    const std::size_t before = shards();
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (shards() >= before + 2) ::kill(child, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (WIFSIGNALED(status)) ++kills;
  }
  EXPECT_GE(kills, 2);
  const PrepareReport last = run();
  EXPECT_LT(last.clips_made, 30);
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
