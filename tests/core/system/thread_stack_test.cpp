#include "core/system/thread_stack.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace muybridge {

std::atomic<bool> let_go{false};

// Not in an anonymous namespace: only names that are exported can be read back.
__attribute__((noinline)) void wait_to_be_let_go() {
  while (!let_go) std::this_thread::yield();
}

namespace {

TEST(ThreadStack, NamesTheFunctionThatAnotherThreadIsIn) {
  prepare_stack_signal();
  let_go = false;
  std::thread busy(wait_to_be_let_go);
  std::string stack;
  for (int i = 0; i < 100 && stack.find("wait_to_be_let_go") == std::string::npos; ++i)
    stack = stack_of(busy.native_handle(), std::chrono::seconds(10));
  let_go = true;
  busy.join();
  EXPECT_NE(stack.find("muybridge::wait_to_be_let_go()"), std::string::npos) << stack;
  EXPECT_EQ(stack.find("#0"), 0U) << stack;
}

TEST(ThreadStack, OfTheCallingThreadItself) {
  prepare_stack_signal();
  EXPECT_NE(stack_of(::pthread_self(), std::chrono::seconds(10)).find("stack_of"),
            std::string::npos);
}

TEST(ThreadStack, SaysThatAThreadDoesNotAnswer) {
  prepare_stack_signal();
  std::atomic<bool> deaf{false};
  let_go = false;
  std::thread thread([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    deaf = true;
    wait_to_be_let_go();
  });
  while (!deaf) std::this_thread::yield();
  EXPECT_NE(stack_of(thread.native_handle(), std::chrono::milliseconds(50)).find("not answer"),
            std::string::npos);
  let_go = true;
  thread.join();
}

}  // namespace
}  // namespace muybridge
