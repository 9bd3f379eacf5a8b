#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "parallel/host/engine.h"

namespace muybridge {

// Where a rank's operations run while the rank computes, as on a CUDA stream: an engine and a
// thread that looks after it when no thread waits for an operation and does so itself. It shares a
// core with the computation, so it sleeps between looks at the network instead of spinning, and
// sleeps for good while there is nothing to do. Thread-safe.
class Stream {
 public:
  using MakeTransport = std::function<std::unique_ptr<Transport>()>;

  // Makes the transport on the new thread, which also closes it, and waits for it; what it throws
  // is thrown here. An operation of which no message is over for `time_limit_seconds` means that a
  // rank is lost: it fails with Error(kRankLost), and so does everything queued or pushed later. A
  // thread that the network does not let go for longer than that and 30 s ends the process with
  // kRankLost. Where there are several ranks and `liveness_seconds` is not 0, they watch each other
  // (Engine::watch): one that gives no sign of life for so long is lost, too. The thread that calls
  // this is the rank's own, whose doings the others hear of; where a rank is lost and it does not
  // come to see it (it computes, or hangs), the process ends with kRankLost some seconds later.
  static std::shared_ptr<Stream> start(MakeTransport make_transport, double time_limit_seconds,
                                       double liveness_seconds = 0);
  ~Stream();

  int rank() const { return rank_; }
  int size() const { return size_; }
  int largest_context() const { return largest_context_; }
  const Neighbours& neighbours() const { return neighbours_; }

  // Operation::result is set here.
  Work push(Operation operation) { return engine_->push(std::move(operation), engine_); }
  bool failed() const { return engine_->failed(); }
  const std::shared_ptr<Activity>& activity() const { return engine_->activity; }
  // By rank, for what is said of a lost one.
  void name_hosts(std::vector<std::string> hosts) { engine_->name_hosts(std::move(hosts)); }

  // The smallest context that no group of this rank has had yet, and how to take it. The n-th
  // context owns the n-th piece of the memory that neighbours share.
  int next_context() const;
  void take_context(int context);

  // Ends the thread; operations under way fail. The transport is closed if `orderly` and nothing
  // failed, else left as it is. To be called once, or not at all after `abort`.
  void close(bool orderly);
  // Asks the transport to end the job and waits two seconds for it.
  void abort(int code);

 private:
  struct Failure {
    ExitCode code;
    std::string message;
  };

  Stream() = default;
  struct Start {
    MakeTransport make_transport;
    double time_limit_seconds;
    double liveness_seconds;
    std::shared_ptr<Activity> activity;
  };
  void wait_for_start(std::unique_lock<std::mutex>& lock, double limit_seconds);
  void run(const Start& start);
  bool make_engine(const Start& start);
  void serve();
  bool asked_to_end();
  // True where something may have come meanwhile.
  bool rest(std::chrono::microseconds idle);
  void require_beat(std::chrono::steady_clock::time_point now);
  void require_end() const;
  void finish();

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // from the thread: engine_, over_, aborted_
  std::optional<Failure> failure_;   // of making the transport
  std::optional<int> abort_code_;
  bool stopping_ = false;
  bool orderly_ = false;
  bool aborted_ = false;
  bool over_ = false;
  int next_context_ = 1;

  int rank_ = 0;
  int size_ = 1;
  int largest_context_ = 0;
  Neighbours neighbours_;
  std::shared_ptr<Engine> engine_;  // set once, before start() returns
  // The thread's own: when somebody was last seen to look.
  std::uint64_t beat_ = 0;
  std::chrono::steady_clock::time_point beat_at_;
  std::thread thread_;
};

}  // namespace muybridge
