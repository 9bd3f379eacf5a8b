#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "parallel/operation.h"
#include "parallel/transport.h"

namespace muybridge {

// Where a rank's operations run: a thread that carries them out while the rank computes, as a CUDA
// stream would. It shares a core with the computation, so it sleeps between looks at the network
// instead of spinning, and sleeps for good while there is nothing to do. It alone touches the
// transport. Thread-safe.
class Stream {
 public:
  using MakeTransport = std::function<std::unique_ptr<Transport>()>;

  // Makes the transport on the new thread and waits for it; what it throws is thrown here. An
  // operation of which no message is over for `time_limit_seconds` means that a rank is lost: it
  // fails with Error(kRankLost), and so does everything queued or pushed later.
  static std::shared_ptr<Stream> start(MakeTransport make_transport, double time_limit_seconds);
  ~Stream();

  int rank() const { return rank_; }
  int size() const { return size_; }
  int largest_context() const { return largest_context_; }

  // Operation::result is set here.
  Work push(Operation operation);
  void set_time_limit(double seconds) { pulse_->time_limit_seconds = seconds; }
  bool failed() const;

  // The smallest context that no group of this rank has had yet, and how to take it.
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
  void run(const MakeTransport& make_transport);
  std::unique_ptr<Transport> make(const MakeTransport& make_transport);
  void serve(Transport& transport);
  void finish(std::unique_ptr<Transport> transport);
  void set_failure(ExitCode code, const std::string& message);

  mutable std::mutex mutex_;
  std::condition_variable wake_;     // for the thread
  std::condition_variable changed_;  // from the thread: ready_, over_, aborted_
  std::vector<Operation> arrivals_;
  std::optional<Failure> failure_;
  std::optional<int> abort_code_;
  bool ready_ = false;
  bool stopping_ = false;
  bool orderly_ = false;
  bool aborted_ = false;
  bool over_ = false;
  int next_context_ = 1;

  int rank_ = 0;
  int size_ = 1;
  int largest_context_ = 0;
  std::shared_ptr<Pulse> pulse_ = std::make_shared<Pulse>();
  std::thread thread_;
};

}  // namespace muybridge
