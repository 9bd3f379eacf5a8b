#include "parallel/host/bell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace muybridge {
namespace {

using Word = std::atomic_ref<std::uint32_t>;
static_assert(Word::is_always_lock_free);

constexpr std::uint32_t kAwake = 0, kRung = 1, kSleepsForAll = 2, kSleepsForOwn = 3;

void wake(std::uint32_t* word) { syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0); }

}  // namespace

void Bell::ring() const {
  if (!word_) return;
  if (Word(*word_).exchange(kRung) >= kSleepsForAll) wake(word_);
}

void Bell::ring_for_neighbour() const {
  if (!word_) return;
  // What this thread wrote comes before the look: who then goes to sleep sees it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::uint32_t state = Word(*word_).load();
  while (state == kAwake || state == kSleepsForAll)
    if (Word(*word_).compare_exchange_weak(state, kRung)) {
      if (state == kSleepsForAll) wake(word_);
      return;
    }
}

bool Bell::sleep(For whom, std::optional<std::chrono::microseconds> time) const {
  const std::uint32_t asleep = whom == For::kAll ? kSleepsForAll : kSleepsForOwn;
  std::uint32_t state = kAwake;
  if (Word(*word_).compare_exchange_strong(state, asleep)) {
    timespec limit{};
    if (time) {
      limit.tv_sec = time->count() / 1'000'000;
      limit.tv_nsec = time->count() % 1'000'000 * 1000;
    }
    syscall(SYS_futex, word_, FUTEX_WAIT, asleep, time ? &limit : nullptr, nullptr, 0);
  }
  return Word(*word_).exchange(kAwake) == kRung;
}

}  // namespace muybridge
