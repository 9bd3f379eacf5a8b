#include "data/decode/decode_worker.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <string_view>

#include "data/decode/decode_child.h"
#include "data/decode/decode_protocol.h"
#include "tests/data/decode/decode_worker_fixture.h"

namespace muybridge {
namespace {

TEST_F(DecodeWorkerTest, GivesTheFramesOfTheReader) {
  const auto file = numbered("a.mp4", 50);
  const ReadOptions options{.size = {.resize = Resize::kCover, .width = 32, .height = 24},
                            .fps = 20};
  const Frames wanted = read_video(file, options);
  DecodeWorker worker;
  int index = 0;
  const DecodeOutcome outcome = worker.decode(
      open_to_read(file), options, [&](const DecodedStream& stream, const DecodedFrame& frame) {
        ASSERT_EQ(stream.width, 32);
        ASSERT_EQ(stream.height, 24);
        ASSERT_LT(index, wanted.count);
        EXPECT_EQ(std::memcmp(frame.rgb, wanted.frame(index), wanted.frame_bytes()), 0);
        ++index;
      });
  EXPECT_EQ(outcome.problem, "");
  EXPECT_TRUE(outcome.opened);
  EXPECT_EQ(outcome.frames, wanted.count);
  EXPECT_DOUBLE_EQ(outcome.stream.fps, 20);
  EXPECT_EQ(outcome.stream.source.width, 64);
  EXPECT_DOUBLE_EQ(outcome.stream.source.fps, 30);
}

TEST_F(DecodeWorkerTest, OneChildServesManyFiles) {
  const auto good = numbered("good.mp4", 20);
  const auto bad = write("bad.mp4", "no video");
  DecodeWorker worker;
  EXPECT_EQ(worker.process_id(), 0);
  expect_usable(worker, good);
  const int child = worker.process_id();
  EXPECT_GT(child, 0);
  for (int i = 0; i < 5; ++i) {
    const DecodeOutcome outcome = count(worker, bad);
    EXPECT_FALSE(outcome.opened);
    EXPECT_NE(outcome.problem.find("not a video"), std::string::npos) << outcome.problem;
    expect_usable(worker, good);
    const DecodeOutcome part = count(worker, good, {.count = 12});
    EXPECT_EQ(part.frames, 12);
    EXPECT_FALSE(part.finished);
  }
  EXPECT_EQ(worker.process_id(), child);
}

TEST_F(DecodeWorkerTest, ProbeDecodesNothing) {
  DecodeWorker worker;
  const DecodeOutcome outcome = worker.probe(open_to_read(numbered("a.mp4", 30)), {.fps = 10});
  EXPECT_EQ(outcome.frames, 0);
  EXPECT_EQ(outcome.stream.expected_frames, 10);
}

TEST_F(DecodeWorkerTest, NotesArrive) {
  DecodeWorker worker;
  const DecodeOutcome outcome = count(worker, numbered("a.h264", 20));
  EXPECT_THAT(but_colors(outcome.notes),
              ::testing::ElementsAre("its pictures have no times: 30 a second assumed"));
  EXPECT_EQ(outcome.problem, "");
}

TEST_F(DecodeWorkerTest, ThreadsGiveTheSameFrames) {
  const auto file = numbered("a.mp4", 60);
  DecodeWorker worker;
  std::string seen[2];
  for (const int threads : {1, 4}) {
    const DecodeOutcome outcome = worker.decode(
        open_to_read(file), {.threads = threads},
        [&](const DecodedStream& stream, const DecodedFrame& frame) {
          seen[threads / 4].append(reinterpret_cast<const char*>(frame.rgb), stream.frame_bytes());
        });
    EXPECT_EQ(outcome.frames, 60) << outcome.problem;
  }
  EXPECT_TRUE(seen[0] == seen[1]);
}

TEST_F(DecodeWorkerTest, AFileMayNotGiveFramesForever) {
  DecodeWorker worker({.frames = 30});
  const DecodeOutcome outcome = count(worker, numbered("a.mp4", 20), {.fps = 100});
  EXPECT_EQ(outcome.frames, 30);
  EXPECT_EQ(outcome.problem, "it gives more than 30 frames; the rest is left out");
  EXPECT_EQ(count(worker, numbered("b.mp4", 30)).problem, "");
}

TEST_F(DecodeWorkerTest, FramesThatAreTooLargeAreRefused) {
  DecodeWorker worker({.frame_bytes = 5000});
  const DecodeOutcome outcome = count(worker, numbered("a.mp4", 20));
  EXPECT_FALSE(outcome.lost);
  EXPECT_EQ(outcome.frames, 0);
  EXPECT_NE(outcome.problem.find("too large"), std::string::npos) << outcome.problem;
}

TEST_F(DecodeWorkerTest, WhatTheCallbackThrowsArrives) {
  const auto good = numbered("good.mp4", 20);
  DecodeWorker worker;
  EXPECT_THROW(worker.decode(open_to_read(good), {},
                             [](const DecodedStream&, const DecodedFrame&) {
                               fail(ExitCode::kIo, "disk full");
                             }),
               Error);
  expect_usable(worker, good);
}

TEST_F(DecodeWorkerTest, StopsAtOnce) {
  const auto good = numbered("good.mp4", 100);
  std::atomic<bool> stop{false};
  DecodeWorker worker({}, &stop);
  const DecodeOutcome outcome =
      worker.decode(open_to_read(good), {}, [&](const DecodedStream&, const DecodedFrame&) {
        stop = true;
        ::kill(worker.process_id(), SIGSTOP);
      });
  EXPECT_EQ(outcome.problem, "stopped");
  EXPECT_LT(outcome.frames, 100);
}

}  // namespace
}  // namespace muybridge
