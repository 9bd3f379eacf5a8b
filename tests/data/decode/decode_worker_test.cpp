#include "data/decode/decode_worker.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <random>
#include <string_view>
#include <thread>

#include "core/error.h"
#include "data/decode/decode_child.h"
#include "data/decode/decode_protocol.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

constexpr const char* kLiar = "MUYBRIDGE_TEST_LIAR";

class DecodeWorkerTest : public MediaFolder {
 protected:
  static DecodeOutcome count(DecodeWorker& worker, const std::filesystem::path& file,
                             const ReadOptions& options = {}) {
    return worker.decode(open_to_read(file), options,
                         [](const DecodedStream&, const DecodedFrame&) {});
  }

  // The worker is as good as new.
  void expect_usable(DecodeWorker& worker, const std::filesystem::path& good) {
    const DecodeOutcome outcome = count(worker, good);
    EXPECT_EQ(outcome.frames, 20) << outcome.problem;
    EXPECT_EQ(outcome.problem, "");
    EXPECT_TRUE(outcome.finished);
  }
};

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

TEST_F(DecodeWorkerTest, ACrashCostsTheFile) {
  const auto good = numbered("good.mp4", 20);
  // The address sanitizer would turn the child's crash into an exit.
  ::setenv("ASAN_OPTIONS", "handle_segv=0", 1);
  DecodeWorker worker;
  const DecodeOutcome outcome = worker.decode(
      open_to_read(good), {},
      [&](const DecodedStream&, const DecodedFrame&) { ::kill(worker.process_id(), SIGSEGV); });
  EXPECT_TRUE(outcome.lost);
  EXPECT_NE(outcome.problem.find("crashed"), std::string::npos) << outcome.problem;
  expect_usable(worker, good);
}

TEST_F(DecodeWorkerTest, ADeathBetweenFilesCostsNothing) {
  const auto good = numbered("good.mp4", 20);
  DecodeWorker worker;
  expect_usable(worker, good);
  ::kill(worker.process_id(), SIGKILL);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  expect_usable(worker, good);
}

TEST_F(DecodeWorkerTest, AHangEnds) {
  const auto good = numbered("good.mp4", 20);
  DecodeWorker worker({.stall_seconds = 0.5});
  const auto start = std::chrono::steady_clock::now();
  const DecodeOutcome outcome = worker.decode(
      open_to_read(good), {},
      [&](const DecodedStream&, const DecodedFrame&) { ::kill(worker.process_id(), SIGSTOP); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_TRUE(outcome.lost);
  EXPECT_NE(outcome.problem.find("hung"), std::string::npos) << outcome.problem;
  DecodeWorker fresh;
  expect_usable(fresh, good);
}

TEST_F(DecodeWorkerTest, AFileMayNotTakeForever) {
  const auto good = numbered("good.mp4", 100);
  DecodeWorker worker({.total_seconds = 0.3});
  const DecodeOutcome outcome =
      worker.decode(open_to_read(good), {}, [&](const DecodedStream&, const DecodedFrame&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      });
  EXPECT_TRUE(outcome.lost);
  EXPECT_NE(outcome.problem.find("longer than 0.3 s"), std::string::npos) << outcome.problem;
}

TEST_F(DecodeWorkerTest, FramesThatAreTooLargeAreRefused) {
  DecodeWorker worker({.frame_bytes = 5000});
  const DecodeOutcome outcome = count(worker, numbered("a.mp4", 20));
  EXPECT_FALSE(outcome.lost);
  EXPECT_EQ(outcome.frames, 0);
  EXPECT_NE(outcome.problem.find("too large"), std::string::npos) << outcome.problem;
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
  EXPECT_NE(outcome.problem, "");
  EXPECT_EQ(outcome.frames, 0);
}
#endif

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

// Files with random damage: each gives frames or a reason, and the next file decodes.
TEST_F(DecodeWorkerTest, HostileFilesCostOnlyThemselves) {
  const auto good = numbered("good.mp4", 20);
  std::mt19937 random(7);
  DecodeWorker worker({.frame_bytes = 1 << 22, .stall_seconds = 20, .total_seconds = 60});
  int refused = 0;
  for (const char* name : {"a.mp4", "a.mkv", "a.webm", "a.avi", "a.gif", "a.png", "a.jpg"}) {
    const bool image = std::string_view(name) == "a.png" || std::string_view(name) == "a.jpg";
    const std::string bytes =
        read_file(ffmpeg(fmt::format("-f lavfi -i testsrc=size=64x48:rate=10:duration=1 {}",
                                     image ? "-frames:v 1" : ""),
                         name));
    for (int round = 0; round < 25; ++round) {
      std::string damaged = bytes;
      const int flips = 1 << (round % 8);
      for (int i = 0; i < flips; ++i) {
        damaged[random() % damaged.size()] ^= static_cast<char>(1U << random() % 8);
      }
      const DecodeOutcome outcome = count(worker, write("damaged", damaged), {.fps = 10});
      EXPECT_LE(outcome.frames, 20000);
      if (!outcome.problem.empty()) ++refused;
    }
    expect_usable(worker, good);
  }
  EXPECT_GT(refused, 10);
}

// A child that was taken over by a hostile file says anything.
TEST_F(DecodeWorkerTest, LiesOfTheChildCostTheFile) {
  const auto file = numbered("a.mp4", 20);
  for (const char* lie :
       {"magic", "order", "short", "long", "kind", "size", "negative", "rate", "slot", "number",
        "frame-first", "stream-twice", "too-many", "end", "silence"}) {
    ::setenv(kLiar, lie, 1);
    DecodeWorker worker({.frame_bytes = 1 << 20, .stall_seconds = 1});
    const DecodeOutcome outcome = count(worker, file, {.count = 5});
    ::unsetenv(kLiar);
    EXPECT_TRUE(outcome.lost) << lie;
    EXPECT_NE(outcome.problem, "") << lie;
    EXPECT_LE(outcome.frames, 5) << lie;
    EXPECT_EQ(worker.process_id(), 0) << lie;
  }
}

TEST_F(DecodeWorkerTest, TheChildCannotShrinkTheSharedMemory) {
  ::setenv(kLiar, "shrink", 1);
  DecodeWorker worker({.frame_bytes = 1 << 20});
  const DecodeOutcome outcome = count(worker, numbered("a.mp4", 20), {.count = 1});
  ::unsetenv(kLiar);
  EXPECT_EQ(outcome.problem, "could not");
}

// What main() runs as a decoder when a test wants it to lie.
int run_liar(std::string_view lie) {
  DecodeOrder order;
  if (::recv(kDecodeSocket, &order, sizeof(order), 0) < 0) return 1;
  const auto send = [](const void* data, std::size_t bytes) {
    return ::send(kDecodeSocket, data, bytes, MSG_NOSIGNAL) >= 0;
  };
  DecodeReply reply;
  reply.kind = DecodeReplyKind::kStream;
  reply.order = order.order;
  reply.width = 64;
  reply.height = 48;
  reply.fps = 30;
  if (lie == "silence") {
    std::this_thread::sleep_for(std::chrono::seconds(30));
    return 0;
  }
  if (lie == "shrink") {
    const bool shrunk = ::ftruncate(kDecodeRing, 4096) == 0;
    reply.kind = DecodeReplyKind::kEnd;
    std::strcpy(reply.text, shrunk ? "could" : "could not");
    send(&reply, sizeof(reply));
    return 0;
  }
  if (lie == "magic") reply.magic ^= 1;
  if (lie == "order") ++reply.order;
  if (lie == "kind") reply.kind = static_cast<DecodeReplyKind>(77);
  if (lie == "size") reply.width = reply.height = 60000;
  if (lie == "negative") reply.width = -64;
  if (lie == "rate") reply.fps = NAN;
  if (lie == "frame-first") reply.kind = DecodeReplyKind::kFrame;
  if (lie == "end") reply.kind = DecodeReplyKind::kEnd;
  if (lie == "short") return send(&reply, sizeof(reply) - 1) ? 0 : 1;
  if (lie == "long") {
    const std::vector<char> bytes(sizeof(reply) + 64, 1);
    return send(bytes.data(), bytes.size()) ? 0 : 1;
  }
  send(&reply, sizeof(reply));
  if (lie == "stream-twice") send(&reply, sizeof(reply));
  reply.kind = DecodeReplyKind::kFrame;
  if (lie == "slot") reply.slot = 4000000;
  if (lie == "number") reply.number = 3;
  const int frames = lie == "too-many" ? 200000 : 1;
  for (int i = 0; i < frames; ++i) {
    if (!send(&reply, sizeof(reply))) return 0;
    ++reply.number;
    reply.slot = static_cast<std::uint32_t>(reply.number % kRingSlots);
  }
  std::this_thread::sleep_for(std::chrono::seconds(30));
  return 0;
}

}  // namespace
}  // namespace muybridge

// The tests of this room are also the decoder that some of them start.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == muybridge::kDecodeCommand) {
    const char* lie = std::getenv(muybridge::kLiar);
    return lie == nullptr ? muybridge::run_decode_child() : muybridge::run_liar(lie);
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
