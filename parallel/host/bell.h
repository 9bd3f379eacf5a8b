#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace muybridge {

// Wakes a rank's communication thread: a word in memory that the ranks of a machine share, or in
// the rank's own. One thread sleeps at a time; any may ring. No ring is lost: one that comes while
// nobody sleeps ends the next sleep at once. Everything that the ringing thread wrote before is
// then seen. (Linux futex(2), shared between processes.)
class Bell {
 public:
  enum class For : std::uint8_t {
    kAll,  // any ring ends the sleep
    kOwn,  // those of this rank's own threads
  };
  static constexpr std::size_t kBytes = 4096;  // what a bell takes of a segment: a page

  // `word` was zero at the start; null is a bell that nobody hears.
  explicit Bell(std::uint32_t* word = nullptr) : word_(word) {}

  bool heard() const { return word_ != nullptr; }

  // By the rank that sleeps here.
  void ring() const;
  // By other ranks: costs a look where nobody sleeps for them.
  void ring_for_neighbour() const;
  // Until it rings, at most for `time`; may end early. Whether it rang.
  bool sleep(For whom, std::optional<std::chrono::microseconds> time) const;

 private:
  std::uint32_t* word_;
};

}  // namespace muybridge
