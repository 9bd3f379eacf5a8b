// Decoders that crash, are killed, are shut in, or meet a machine that lacks something.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <random>
#include <string_view>

#include "data/decode/decode_protocol.h"
#include "tests/data/decode/decode_worker_fixture.h"

namespace muybridge {
namespace {

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
  siginfo_t death{};  // it has happened, and is left to be seen
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(worker.process_id()), &death, WEXITED | WNOWAIT), 0);
  expect_usable(worker, good);
}

// What the machine lacks costs no file.
TEST_F(DecodeWorkerTest, FailuresOfTheMachineAreErrorsOfTheRun) {
  const auto good = numbered("good.mp4", 20);
  DecodeWorker worker;
  expect_usable(worker, good);
  const auto failure = [&](const std::function<void()>& decode) -> std::string {
    try {
      decode();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo) << error.what();
      return error.what();
    }
    return "";
  };
  const FileHandle unreadable(::open(good.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_THAT(failure([&] { worker.decode(unreadable, {}, {}); }),
              ::testing::HasSubstr("reading the file: "));
  expect_usable(worker, good);
  EXPECT_THAT(failure([&] {
                worker.decode(open_to_read(good), {},
                              [&](const DecodedStream&, const DecodedFrame&) {
                                ::kill(worker.process_id(), SIGKILL);
                              });
              }),
              ::testing::HasSubstr("the decoder was killed"));
  expect_usable(worker, good);

  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const FileHandle file = open_to_read(good);
  const rlimit few{static_cast<rlim_t>(file.get()) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  DecodeWorker unlucky;
  const std::string no_descriptors =
      failure([&] { unlucky.decode(file, {}, [](const DecodedStream&, const DecodedFrame&) {}); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(no_descriptors, ::testing::HasSubstr("Too many open files"));
  expect_usable(unlucky, good);
}

TEST_F(DecodeWorkerTest, TheChildIsConfined) {
  ::setenv("MUYBRIDGE_SECRET", "token", 1);
  DecodeWorker worker;
  expect_usable(worker, numbered("good.mp4", 20));
  ::unsetenv("MUYBRIDGE_SECRET");
  const auto of_child = [&](const char* name) {
    return read_file(fmt::format("/proc/{}/{}", worker.process_id(), name));
  };
  EXPECT_THAT(of_child("environ"), ::testing::HasSubstr(kDecodeVariable));
  for (const char* other : {"MUYBRIDGE_SECRET", "PATH=", "HOME="}) {
    EXPECT_THAT(of_child("environ"), ::testing::Not(::testing::HasSubstr(other)));
  }
  EXPECT_THAT(of_child("status"), ::testing::HasSubstr("NoNewPrivs:\t1"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_THAT(of_child("status"), ::testing::HasSubstr("Seccomp:\t2"));
#endif
}

// With threads libav itself would abort at damage in MPEG-4, and pass over some in all others.
TEST_F(DecodeWorkerTest, ThreadsSeeTheSameDamage) {
  for (const char* codec : {"mpeg4", "mpeg2video", "libx264", "utvideo"}) {
    const std::string bytes = read_file(ffmpeg(
        fmt::format("-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -c:v {} -g 10", codec),
        fmt::format("{}.mkv", codec)));
    std::mt19937 random(3);
    int damaged = 0;
    for (int round = 0; round < 20; ++round) {
      std::string torn = bytes;
      for (int i = 0; i < 4; ++i)
        torn[torn.size() / 2 + random() % (torn.size() / 2)] ^=
            static_cast<char>(1U << random() % 8);
      const auto file = write("damaged.mkv", torn);
      DecodeWorker worker;
      const DecodeOutcome one = count(worker, file, {.threads = 1});
      const DecodeOutcome three = count(worker, file, {.threads = 3});
      EXPECT_FALSE(one.lost) << codec;
      EXPECT_EQ(three.frames, one.frames) << codec << " " << round;
      EXPECT_EQ(three.problem, one.problem) << codec << " " << round;
      damaged += one.problem.empty() ? 0 : 1;
    }
    EXPECT_GT(damaged, 0) << codec;
  }
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

}  // namespace
}  // namespace muybridge
