#include "core/system/thread_stack.h"

#include <cxxabi.h>
#include <execinfo.h>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#include "core/system/signal_stack.h"

namespace muybridge {
namespace {

// The handler's own frame and that of the kernel's return are of no interest.
constexpr int kOwnFrames = 2;

std::array<void*, 64> frames;
std::atomic<int> count{-1};  // of frames; -1 until the thread has answered
static_assert(std::atomic<int>::is_always_lock_free);

int stack_signal() { return SIGRTMAX; }

void write_down(int) {
  const int error = errno;
  count.store(::backtrace(frames.data(), static_cast<int>(frames.size())),
              std::memory_order_release);
  errno = error;
}

// "program(_ZN9muybridge3runEv+0x12) [0x...]" with the name as the source has it.
std::string readable(const std::string& frame) {
  const std::size_t open = frame.find('('), plus = frame.find('+', open);
  if (plus == std::string::npos) return frame;
  const std::string name = frame.substr(open + 1, plus - open - 1);
  int status = -1;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? frame.substr(0, open + 1) + plain.get() + frame.substr(plus) : frame;
}

}  // namespace

void prepare_stack_signal() {
  use_signal_stack();
  static std::once_flag once;
  std::call_once(once, [] {
    ::backtrace(frames.data(), 1);  // the first call loads a library, which a handler must not
    struct sigaction action {};
    action.sa_handler = write_down;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    ::sigaction(stack_signal(), &action, nullptr);
  });
}

std::string stack_of(pthread_t thread, std::chrono::milliseconds patience) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  count = -1;
  if (::pthread_kill(thread, stack_signal()) != 0) return "the thread has ended";
  const auto limit = std::chrono::steady_clock::now() + patience;
  int found = -1;
  while ((found = count.load(std::memory_order_acquire)) < 0) {
    if (std::chrono::steady_clock::now() > limit)
      return "the thread does not answer: it hangs in a call of the kernel";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const std::unique_ptr<char*, decltype(&std::free)> symbols(
      ::backtrace_symbols(frames.data(), found), &std::free);
  std::string text;
  for (int i = kOwnFrames; symbols && i < found; ++i)
    text += fmt::format("{}#{} {}", i > kOwnFrames ? "\n" : "", i - kOwnFrames,
                        readable(symbols.get()[i]));
  return text;
}

}  // namespace muybridge
