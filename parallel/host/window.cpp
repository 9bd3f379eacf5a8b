#include "parallel/host/window.h"

#include <atomic>
#include <utility>

#include "core/error.h"

namespace muybridge {

// Each on a cache line of its own, for others watch the flag.
struct Window::Header {
  alignas(64) std::uint64_t come;  // the last meeting that the rank came to
  alignas(64) Ticket tickets[2];
};

Window::Window(int rank, std::vector<std::byte*> segments, std::vector<Bell> bells)
    : rank_(rank), segments_(std::move(segments)), bells_(std::move(bells)) {
  static_assert(sizeof(Header) <= kHeaderBytes);
  static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);
}

Window::Header& Window::header(int rank) const {
  return *reinterpret_cast<Header*>(segments_[static_cast<std::size_t>(rank)]);
}

void Window::come(const Ticket& ticket) {
  Header& own = header(rank_);
  own.tickets[meeting_ % 2] = ticket;
  std::atomic_ref(own.come).store(meeting_, std::memory_order_release);
  for (const Bell& bell : bells_) bell.ring_for_neighbour();
}

bool Window::has_come(int rank) const {
  return std::atomic_ref(header(rank).come).load(std::memory_order_acquire) >= meeting_;
}

void Window::require_same_tickets() const {
  const Ticket& own = header(rank_).tickets[meeting_ % 2];
  for (int q = 0; q < size(); ++q) {
    const Ticket& ticket = header(q).tickets[meeting_ % 2];
    if (ticket != own)
      fail(ExitCode::kInternal,
           "place {} of these ranks came with {} bytes and place {} (this rank) with {}{}; the "
           "ranks did not call the same operation with the same size",
           q, ticket.bytes, rank_, own.bytes,
           ticket.what == own.what ? "" : ", for another operation");
  }
}

}  // namespace muybridge
