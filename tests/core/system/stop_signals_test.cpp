#include "core/system/stop_signals.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <vector>

#include "core/ops/product/matmul.h"
#include "core/random.h"

namespace muybridge {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGUSR1};

// What becomes of a child: its exit code, or minus the signal that ended it.
int outcome(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : kSignals) std::signal(signal, SIG_DFL);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// Whether the signal is no longer on its way to this process.
bool has_arrived(int signal) {
  for (int tries = 0; tries < 5000; ++tries) {
    sigset_t pending;
    ::sigpending(&pending);
    if (sigismember(&pending, signal) == 0) return true;
    ::usleep(1000);
  }
  return false;
}

bool comes_true(const std::atomic<bool>& flag) {
  for (int tries = 0; tries < 5000 && !flag; ++tries) ::usleep(1000);
  return flag;
}

// Signals that a process sends itself, one after the other, while a StopSignals is alive; 7 where
// it lives on and a stop is requested.
int after(const std::vector<int>& signals) {
  return outcome([&] {
    const StopSignals stop;
    if (stop.requested()) return 1;
    for (const int signal : signals) {
      ::kill(::getpid(), signal);
      if (!has_arrived(signal) || !comes_true(stop.requested())) return 2;
    }
    ::usleep(100'000);  // for what ends the process
    return 7;
  });
}

TEST(StopSignals, TheFirstSignalAsksForAStopAndTheProcessGoesOn) {
  for (const int signal : kSignals) EXPECT_EQ(after({signal}), 7) << signal;
}

TEST(StopSignals, ASecondInterruptEndsTheProcessAtOnce) {
  EXPECT_EQ(after({SIGINT, SIGINT}), -SIGINT);
  EXPECT_EQ(after({SIGTERM, SIGINT}), -SIGINT);
}

TEST(StopSignals, LaunchersMayRepeatTheOthers) {
  EXPECT_EQ(after({SIGTERM, SIGTERM, SIGTERM}), 7);
  EXPECT_EQ(after({SIGUSR1, SIGUSR1, SIGTERM}), 7);
  EXPECT_EQ(after({SIGINT, SIGTERM, SIGUSR1}), 7);
}

TEST(StopSignals, AfterwardsSignalsDoWhatTheyDidBefore) {
  for (const int signal : kSignals)
    EXPECT_EQ(outcome([&] {
                { const StopSignals stop; }
                ::kill(::getpid(), signal);
                return 7;
              }),
              -signal);
}

TEST(StopSignals, ANewOneKnowsNothingOfSignalsBefore) {
  EXPECT_EQ(outcome([] {
              {
                const StopSignals first;
                ::kill(::getpid(), SIGINT);
                if (!comes_true(first.requested())) return 3;
              }
              const StopSignals second;
              if (second.requested()) return 1;
              ::kill(::getpid(), SIGINT);
              return comes_true(second.requested()) ? 7 : 2;
            }),
            7);
}

bool blocks_all() {
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return std::ranges::all_of(kSignals, [&](int each) { return sigismember(&blocked, each) == 1; });
}

// How many of a team of threads would hear a signal.
int hearing(int threads) {
  int count = 0;
#pragma omp parallel num_threads(threads) reduction(+ : count)
  count += blocks_all() ? 0 : 1;
  return count;
}

// Also those that join later: libgomp ends threads of a large team when a small one follows.
TEST(StopSignals, NoThreadThatComputesHearsThem) {
  EXPECT_EQ(outcome([] {
              if (hearing(4) != 4) return 1;
              {
                const StopSignals stop;
                for (const int threads : {4, 2, 6, 1, 8})
                  if (hearing(threads) != 0) return 2;
              }
              return blocks_all() ? 3 : 7;
            }),
            7);
}

// Kernels of products point the stack at the heap while they run: a handler's frame must not be
// written there.
TEST(StopSignals, LeaveTheHeapAloneWhileProductsAreComputed) {
  EXPECT_EQ(outcome([] {
              omp_set_num_threads(1);
              const Tensor a = Tensor::empty({64, 768}), b = Tensor::empty({768, 256});
              const RandomStream stream(1, Purpose::kTest);
              fill_normal(stream, a.data<float>(), a.numel());
              fill_normal(stream, b.data<float>(), b.numel());
              const Tensor want = Tensor::empty({64, 256}), got = Tensor::empty({64, 256});
              matmul(a, b, want);
              const StopSignals stop;
              const pid_t parent = ::getpid();
              const pid_t sender = ::fork();
              if (sender == 0) {
                for (int i = 0; i < 5000 && ::getppid() == parent; ++i) {
                  ::kill(parent, SIGUSR1);
                  ::usleep(50);
                }
                ::_exit(0);
              }
              int wrong = 0;
              while (::waitpid(sender, nullptr, WNOHANG) == 0) {
                matmul(a, b, got);
                wrong += std::memcmp(got.raw(), want.raw(), got.bytes()) != 0;
              }
              return wrong == 0 && stop.requested() ? 7 : 2;
            }),
            7);
}

}  // namespace
}  // namespace muybridge
