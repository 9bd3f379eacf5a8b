#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "parallel/host/beats.h"
#include "parallel/host/operation_runner.h"

namespace muybridge {

// What carries a rank's operations out, for whichever thread looks: the stream's own, or one that
// waits for an operation and so spares the other the waking up. One looks at a time. Thread-safe.
class Engine final : public Progress {
 public:
  explicit Engine(std::unique_ptr<Transport> transport);

  // Starts the operation when nobody is looking just now; else whoever looks next does. Sets its
  // result, a failed one after a failure.
  Work push(Operation operation, std::shared_ptr<Engine> self);

  Look look() override;
  void hand_over() override;

  // From now on the ranks watch each other (Beats). When one is lost, this one writes down in its
  // log where its own thread is, and what is under way fails a moment later, so that all have
  // heard.
  void watch(double limit_seconds);
  void name_hosts(std::vector<std::string> hosts);
  // Once nothing is under way any more: parts from those that watch. False where one was lost.
  bool leave();
  // Why the rank's process has to end now, if its own thread has not ended it: see watch().
  std::optional<std::string> overdue() const;

  bool idle() const { return idle_ && !arrived_; }
  bool unheard() const { return unheard_; }  // see OperationRunner
  std::uint64_t pushes() const { return pushes_; }
  bool failed() const;

  // For the thread that looks when no other does. `pause` sleeps for so long, or until there is
  // something new here or a rank of this machine has done its part of something, which it returns;
  // `doze` for so long, whatever is pushed; `sleep` until something is pushed, or a beat is due.
  // `wake` ends each.
  bool pause(std::chrono::microseconds time);
  void doze(std::chrono::microseconds time);
  void sleep();
  void wake();

  // What is under way fails, as does all that is pushed later; nobody looks any more. Returns the
  // transport.
  std::unique_ptr<Transport> end(ExitCode code, const std::string& message);
  // At once, or when a thread that looks has not left off soon.
  void abort(int code);

 private:
  struct Failure {
    ExitCode code;
    std::string message;
  };

  bool admit_arrivals(OperationRunner::Time now);
  bool advance(OperationRunner::Time now);
  void tend_beats(OperationRunner::Time now);
  Busy own_state(OperationRunner::Time now) const;
  void require_progress(OperationRunner::Time now);
  void meet_loss(const Loss& loss, OperationRunner::Time now);
  template <class Body>
  void guarded(const Body& body);
  void set_failure(ExitCode code, const std::string& message);
  bool rest_until_push(Bell::For whom, std::optional<std::chrono::microseconds> time);

  std::mutex looking_mutex_;  // of whoever looks; taken before the other
  std::unique_ptr<Transport> transport_;
  std::optional<OperationRunner> runner_;
  std::vector<Operation> admitted_;  // empty but for the moment; it keeps its memory
  std::unique_ptr<Beats> beats_;     // null where nobody watches
  OperationRunner::Time tend_at_;
  std::string stalled_;  // what the runner said

  mutable std::mutex mutex_;
  std::vector<Operation> arrivals_;
  std::optional<Failure> failure_;
  std::optional<OperationRunner::Time> lost_at_;  // when a loss was heard of
  std::string loss_;
  std::vector<std::string> hosts_;              // by rank
  std::chrono::milliseconds longest_sleep_{0};  // 0: for good
  bool awaits_push_ = false;
  std::uint32_t own_bell_ = 0;  // where ranks share no memory
  Bell bell_;
  std::atomic<bool> arrived_{false};
  std::atomic<bool> idle_{true};
  std::atomic<bool> unheard_{false};
  std::atomic<std::uint64_t> pushes_{0};
};

}  // namespace muybridge
