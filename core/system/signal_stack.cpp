#include "core/system/signal_stack.h"

#include <csignal>
#include <cstddef>
#include <memory>

namespace muybridge {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 10;

class SignalStack {
 public:
  SignalStack() {
    stack_t before{};
    if (::sigaltstack(nullptr, &before) != 0 || !(before.ss_flags & SS_DISABLE)) return;
    memory_ = std::make_unique<std::byte[]>(kBytes);
    stack_t mine{};
    mine.ss_sp = memory_.get();
    mine.ss_size = kBytes;
    if (::sigaltstack(&mine, nullptr) != 0) memory_.reset();
  }
  ~SignalStack() {
    if (!memory_) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace

void use_signal_stack() { thread_local const SignalStack stack; }

}  // namespace muybridge
