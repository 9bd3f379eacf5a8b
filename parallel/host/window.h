#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "parallel/host/bell.h"

namespace muybridge {

// Memory that the ranks of a group on one machine all see, where their collectives meet. Each rank
// has a flag, a ticket and two slots in it.
//
// A meeting: a rank puts what the others are to read in its slot and comes; once all have come it
// reads theirs. Meetings use the two slots in turns: a rank that has come to meeting m + 1 has read
// what it wanted of meeting m, so that when all have, the slots of m may be written again. All
// ranks hold the same meetings in the same order. The flags alone order the accesses.
class Window {
 public:
  static constexpr std::size_t kSlotBytes = 256 << 10;
  static constexpr std::size_t kHeaderBytes = 4096;
  static constexpr std::size_t kBytes = kHeaderBytes + 2 * kSlotBytes;

  // What a rank came for. Tickets of a meeting must be equal.
  struct Ticket {
    std::uint64_t what = 0;
    std::uint64_t bytes = 0;
    bool operator==(const Ticket&) const = default;
  };

  // `segments[q]` is where this rank sees the kBytes of rank q, which were zeros at the start;
  // `bells` are those of the others, rung when this one has come.
  Window(int rank, std::vector<std::byte*> segments, std::vector<Bell> bells = {});

  int rank() const { return rank_; }
  int size() const { return static_cast<int>(segments_.size()); }

  // The next meeting begins: own_slot() may be written.
  void open() { ++meeting_; }
  std::byte* own_slot() const { return slot_of(rank_); }
  void come(const Ticket& ticket);
  bool has_come(int rank) const;
  // When all have come. Throws Error(kInternal), naming rank and sizes, where tickets differ.
  void require_same_tickets() const;
  const std::byte* slot(int rank) const { return slot_of(rank); }

 private:
  struct Header;
  Header& header(int rank) const;
  std::byte* slot_of(int rank) const {
    return segments_[static_cast<std::size_t>(rank)] + kHeaderBytes + meeting_ % 2 * kSlotBytes;
  }

  int rank_;
  std::vector<std::byte*> segments_;
  std::vector<Bell> bells_;
  std::uint64_t meeting_ = 0;
};

}  // namespace muybridge
