// Decoders that say what is not so, and the program that plays them.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "data/decode/decode_child.h"
#include "data/decode/decode_protocol.h"
#include "data/media/video_notes.h"
#include "tests/data/decode/decode_worker_fixture.h"

namespace muybridge {
namespace {

// A child that was taken over by a hostile file says anything.
TEST_F(DecodeWorkerTest, LiesOfTheChildCostTheFile) {
  const auto file = numbered("a.mp4", 20);
  for (const char* lie : {"magic", "order", "short", "long", "kind", "size", "negative", "rate",
                          "slot", "number", "frame-first", "stream-twice", "too-many", "end",
                          "silence", "notes", "picture", "failure", "ready-twice"}) {
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

TEST_F(DecodeWorkerTest, WordsOfTheChildAreMadeFitForAReport) {
  ::setenv(kLiar, "words", 1);
  DecodeWorker worker({.frame_bytes = 1 << 20});
  const DecodeOutcome outcome = count(worker, numbered("a.mp4", 20));
  ::unsetenv(kLiar);
  EXPECT_THAT(outcome.notes, ::testing::ElementsAre("a?[31mb"));
  EXPECT_EQ(outcome.problem.size(), 256U);
}

// A child that ends before it is ready is no fault of the file.
TEST_F(DecodeWorkerTest, AChildThatDoesNotStartIsAnErrorOfTheRun) {
  ::setenv(kLiar, "unready", 1);
  DecodeWorker worker;
  EXPECT_THROW(count(worker, numbered("a.mp4", 20)), Error);
  ::unsetenv(kLiar);
}

// What main() runs as a decoder when a test wants it to lie.
int run_liar(std::string_view lie) {
  const auto send = [](const void* data, std::size_t bytes) {
    return ::send(kDecodeSocket, data, bytes, MSG_NOSIGNAL) >= 0;
  };
  if (lie == "unready") return 3;
  DecodeReply reply;
  reply.kind = DecodeReplyKind::kReady;
  send(&reply, sizeof(reply));
  if (lie == "ready-twice") send(&reply, sizeof(reply));
  DecodeOrder order;
  if (::recv(kDecodeSocket, &order, sizeof(order), 0) < 0) return 1;
  reply.kind = DecodeReplyKind::kStream;
  reply.order = order.order;
  reply.width = 64;
  reply.height = 48;
  reply.fps = 30;
  const auto end = [&](DecodeFailure failure, std::string_view text) {
    reply.kind = DecodeReplyKind::kEnd;
    reply.failure = failure;
    text.copy(reply.text, sizeof(reply.text));
    send(&reply, sizeof(reply));
    std::this_thread::sleep_for(std::chrono::seconds(30));
    return 0;
  };
  if (lie == "silence") {
    std::this_thread::sleep_for(std::chrono::seconds(30));
    return 0;
  }
  if (lie == "shrink") {
    const bool shrunk = ::ftruncate(kDecodeRing, 4096) == 0;
    return end(DecodeFailure::kFile, shrunk ? "could" : "could not");
  }
  if (lie == "slow" || lie == "pictures") {
    send(&reply, sizeof(reply));
    reply.kind = lie == "slow" ? DecodeReplyKind::kFrame : DecodeReplyKind::kPicture;
    for (int i = 0; i < 40; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      reply.number = lie == "slow" ? i : 100 * (i + 1);
      reply.slot = static_cast<std::uint32_t>(reply.number % kRingSlots);
      send(&reply, sizeof(reply));
    }
    return end(DecodeFailure::kNone, "");
  }
  if (lie == "words") {
    send(&reply, sizeof(reply));
    reply.kind = DecodeReplyKind::kNote;
    std::strcpy(reply.text, "a\x1b[31mb");
    send(&reply, sizeof(reply));
    return end(DecodeFailure::kFile, std::string(sizeof(reply.text), 'x'));
  }
  if (lie == "failure") return end(static_cast<DecodeFailure>(9), "x");
  if (lie == "notes") {
    send(&reply, sizeof(reply));
    reply.kind = DecodeReplyKind::kNote;
    for (std::size_t i = 0; i < 2 * VideoNotes::kMost; ++i) send(&reply, sizeof(reply));
    std::this_thread::sleep_for(std::chrono::seconds(30));
  }
  if (lie == "picture") {
    reply.kind = DecodeReplyKind::kPicture;
    reply.number = std::int64_t{1} << 60;
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
