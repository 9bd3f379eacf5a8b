#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parallel/activity.h"
#include "parallel/host/transport.h"

namespace muybridge {

// A rank that goes on computing while others may wait for it.
struct Busy {
  std::int32_t rank = -1;
  Section section = Section::kOther;
  double seconds = 0;   // without a word to others
  double patience = 1;  // how long it may

  double share() const { return seconds / patience; }
};

// Why the job cannot go on.
struct Loss {
  enum class Kind : std::uint8_t {
    kNone,
    kSilent,   // its process is stopped, or its machine or network is gone
    kHung,     // it lives, but for too long its thread has not called what others wait for
    kStalled,  // nothing moves, and no rank is known to be the cause
  };
  Kind kind = Kind::kNone;
  Section section = Section::kOther;  // where it hangs
  std::int32_t rank = -1;             // of the job
  std::int32_t reporter = -1;         // who noticed
  double seconds = 0;                 // for how long
};

// "rank 3 on node-b: no sign of life for 60 s; ..." `hosts` by rank, or empty.
std::string describe(const Loss& loss, const std::vector<std::string>& hosts);

// The ranks next to `rank` in a tree of all, of which each watches the others.
std::vector<int> watched_by(int rank, int size);

// Signs of life. The ranks are a tree in which neighbours send each other small messages: a rank
// of 1,024 has at most five neighbours. One that falls silent is noticed by all of its own, and
// each tells the part of the tree on its side. A beat also carries which rank beyond its sender
// has been busy for longest, so that every rank soon knows that of the whole job.
//
// Has no thread and no clock of its own. Not thread-safe. Memory is the network's until it is over.
class Beats {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Beats(Transport& transport, double limit_seconds, Time now);

  // Call every `period` or so: takes what has come, sends what is due. Returns the loss that was
  // noticed or heard of, or told by `spread`, from then on.
  const std::optional<Loss>& tend(Time now, const Busy& own);
  std::chrono::milliseconds period() const { return period_; }
  double limit_seconds() const { return limit_.count(); }
  // The rank of the job that is busy for longest, by its own measure; itself included.
  const Busy& busiest() const { return busiest_; }
  // Tells the others, unless a loss is known already.
  void spread(const Loss& loss);

  // At an orderly end, when no rank is lost: the last beats. To be tended until all are exchanged.
  void leave() { leaving_ = true; }
  bool over() const;

 private:
  struct Beat {
    Busy busy;
    Loss loss;
    bool last = false;
  };
  struct Neighbour {
    int rank;
    Beat incoming{}, outgoing{};
    std::unique_ptr<Transfer> arriving{}, leaving{};
    Time heard{}, sent{};
    Busy busy{};        // of the ranks beyond
    bool gone = false;  // its last beat has come
    bool left = false;  // the last beat to it was sent
    bool told = false;  // of the loss
  };

  void take(Neighbour& neighbour, Time now);
  void send(Neighbour& neighbour, Time now, const Busy& own);

  Transport& transport_;
  int tag_;
  std::chrono::duration<double> limit_;
  std::chrono::milliseconds period_;
  std::chrono::duration<double> interval_;  // between beats to a neighbour
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
  Time tended_;
  Busy busiest_;
  std::optional<Loss> loss_;
  bool leaving_ = false;
};

}  // namespace muybridge
