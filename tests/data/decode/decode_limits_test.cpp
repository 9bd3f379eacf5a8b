// What a file may cost: time, memory, patience.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/data/decode/decode_worker_fixture.h"

namespace muybridge {
namespace {

TEST_F(DecodeWorkerTest, AHangEnds) {
  const auto good = numbered("good.mp4", 20);
  DecodeWorker worker({.stall_seconds = 0.5});
  const DecodeOutcome outcome = worker.decode(
      open_to_read(good), {},
      [&](const DecodedStream&, const DecodedFrame&) { ::kill(worker.process_id(), SIGSTOP); });
  EXPECT_TRUE(outcome.lost);
  EXPECT_NE(outcome.problem.find("hung"), std::string::npos) << outcome.problem;
  DecodeWorker fresh;
  expect_usable(fresh, good);
}

// A frame each 20 ms, for 0.8 s.
TEST_F(DecodeWorkerTest, ASlowFileEndsALongOneDoesNot) {
  const auto file = numbered("a.mp4", 20);
  ::setenv(kLiar, "slow", 1);
  DecodeWorker impatient({.total_seconds = 0.5, .picture_seconds = 0.001});
  const DecodeOutcome given_up = count(impatient, file);
  DecodeWorker patient({.total_seconds = 0.5, .picture_seconds = 1});
  const DecodeOutcome whole = count(patient, file);
  ::unsetenv(kLiar);
  EXPECT_TRUE(given_up.lost);
  EXPECT_NE(given_up.problem.find("took longer than 0.5"), std::string::npos) << given_up.problem;
  EXPECT_FALSE(whole.lost);
  EXPECT_EQ(whole.problem, "");
  EXPECT_EQ(whole.frames, 40);
}

TEST_F(DecodeWorkerTest, TheTimeOfTheCallbackIsNotTheFiles) {
  DecodeWorker worker({.total_seconds = 0.5, .picture_seconds = 0});
  const DecodeOutcome outcome = worker.decode(
      open_to_read(numbered("a.mp4", 20)), {}, [](const DecodedStream&, const DecodedFrame&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
      });
  EXPECT_EQ(outcome.problem, "");
  EXPECT_EQ(outcome.frames, 20);
}

// Such pictures give no frame; they are signs of life all the same.
TEST_F(DecodeWorkerTest, PicturesThatAreSkippedAreSignsOfLife) {
  ::setenv(kLiar, "pictures", 1);
  DecodeWorker worker({.stall_seconds = 0.5, .total_seconds = 0.5, .picture_seconds = 0.01});
  const DecodeOutcome outcome = count(worker, numbered("a.mp4", 20));
  ::unsetenv(kLiar);
  EXPECT_EQ(outcome.problem, "");
  EXPECT_FALSE(outcome.lost);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(DecodeWorkerTest, MemoryIsLimited) {
  const auto large = ffmpeg(
      "-f lavfi -i testsrc=size=2048x2048:rate=5:duration=0.4 -c:v libx264 "
      "-preset ultrafast",
      "large.mp4");
  const ReadOptions small{.size = {.resize = Resize::kCover, .width = 16, .height = 16}};
  DecodeWorker roomy;
  EXPECT_EQ(count(roomy, large, small).problem, "");
  DecodeWorker narrow({.frame_bytes = 1 << 16, .memory_bytes = std::size_t{1} << 20});
  const DecodeOutcome outcome = count(narrow, large, small);
  EXPECT_EQ(outcome.problem, "needs more memory than a decoder may use");
  EXPECT_EQ(outcome.frames, 0);
}
#endif

}  // namespace
}  // namespace muybridge
