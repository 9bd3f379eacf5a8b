#pragma once

#include <chrono>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "core/buffer.h"
#include "parallel/host/operation.h"
#include "parallel/host/transport.h"

namespace muybridge {

// An operation of which nothing moves: Error(kRankLost), with the first rank that it waits for.
class Stalled : public Error {
 public:
  Stalled(const std::string& message, int peer)
      : Error(ExitCode::kRankLost, message), peer_(peer) {}
  int peer() const { return peer_; }

 private:
  int peer_;
};

// Carries operations out over a transport, a small piece at each call of `advance`, never blocking.
// Ordered operations of one group run one at a time; groups and exchanges run side by side. Has
// no thread and no clock of its own. Not thread-safe.
class OperationRunner {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit OperationRunner(Transport& transport) : transport_(transport) {}
  ~OperationRunner();

  void admit(Operation operation, Time now);
  // Posts the first messages of what may begin. `advance` does so, too.
  void start();

  // Moves on what can move; true when a message or an operation is over. Throws Stalled when
  // an operation had no message over for `time_limit`, and what the transport throws: after that
  // only `fail_all` may follow.
  bool advance(Time now, std::chrono::duration<double> time_limit);
  bool idle() const { return under_way_ == 0; }
  // Whether a message is under way whose other rank rings no bell here.
  bool unheard() const { return unheard_ > 0; }
  // For how many seconds nothing has moved of the operation that waits for longest.
  double silence(Time now) const;

  // Ends all operations with this error. Their tensors are never freed: the network may still
  // write to them.
  void fail_all(ExitCode code, const std::string& message);

 private:
  struct Flight {
    int peer;  // rank in the job
    bool outgoing;
    std::size_t bytes;
    std::unique_ptr<Transfer> transfer;
  };
  struct Running {
    Operation operation;
    Time moved;  // when it was admitted, became first of its queue or last had a message over
    Time began;  // its first round
    std::size_t round = 0;
    bool started = false;  // whether the round's messages are posted
    std::vector<Flight> flights;
    std::size_t met = 0;  // how many of those it waits for have come
    Buffer borrowed;      // memory of the plan

    bool over() const { return round == operation.plan.rounds.size(); }
  };

  void start_round(Running& running);
  void land(const Flight& flight);
  bool round_over(Running& running, bool& moved);
  void end(Running& running);
  bool advance(Running& running, Time now, std::chrono::duration<double> time_limit);
  [[noreturn]] void report_lost(const Running& running, double seconds) const;

  Transport& transport_;
  std::map<int, std::deque<Running>> ordered_;  // by context
  std::list<Running> unordered_;
  std::size_t under_way_ = 0;
  std::size_t in_flight_ = 0;  // messages
  std::size_t unheard_ = 0;    // of those
};

// How long to sleep between two calls of `advance` when nothing was over for `idle`; zero means
// only to offer the core to others. `awaited`: whether a thread is blocked on an operation, so that
// the core is likely free. `unheard`: whether only a look tells what comes.
std::chrono::microseconds pause_after(std::chrono::microseconds idle, bool awaited, bool unheard);

}  // namespace muybridge
