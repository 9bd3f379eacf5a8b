#include "parallel/host/local_ranks.h"

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include "parallel/host/group_stream.h"

namespace muybridge {
namespace {

constexpr std::size_t kSharedBytes = 2 << 20;  // a rank: see Window

// A message that was posted and has not met its other half.
struct Half {
  Message message;
  bool done = false;
  std::size_t peer_bytes = 0;  // what the other half offered
};

// Where the halves of messages between all pairs of ranks meet.
class Switchboard {
 public:
  Switchboard(int ranks, int ranks_per_machine) : ranks_per_machine_(ranks_per_machine) {
    for (int rank = 0; rank < ranks; ++rank) segments_.push_back(std::make_unique<Segment>());
  }

  Neighbours neighbours(int rank) const {
    Neighbours neighbours{.machines = {}, .segments = {}, .bytes = kSharedBytes};
    for (std::size_t q = 0; q < segments_.size(); ++q) {
      const int machine = static_cast<int>(q) / ranks_per_machine_;
      neighbours.machines.push_back(machine);
      neighbours.segments.push_back(machine == rank / ranks_per_machine_ ? segments_[q]->data()
                                                                         : nullptr);
    }
    return neighbours;
  }

  std::shared_ptr<Half> post(int rank, const Message& message) {
    auto half = std::make_shared<Half>(Half{.message = message});
    const int from = message.outgoing ? rank : message.peer;
    const int to = message.outgoing ? message.peer : rank;
    const std::lock_guard lock(mutex_);
    std::deque<std::shared_ptr<Half>>& line = waiting_[{from, to, message.tag}];
    if (!line.empty() && line.front()->message.outgoing != message.outgoing) {
      meet(*line.front(), *half);
      line.pop_front();
    } else {
      line.push_back(half);
    }
    return half;
  }

  bool done(const Half& half) {
    const std::lock_guard lock(mutex_);
    if (half.done && half.peer_bytes != half.message.bytes)
      fail(ExitCode::kInternal, "rank {} of the job gave {} bytes where {} were expected",
           half.message.peer, half.peer_bytes, half.message.bytes);
    return half.done;
  }

 private:
  static void meet(Half& a, Half& b) {
    Half& from = a.message.outgoing ? a : b;
    Half& to = a.message.outgoing ? b : a;
    std::memcpy(to.message.data, from.message.data, std::min(from.message.bytes, to.message.bytes));
    from.peer_bytes = to.message.bytes;
    to.peer_bytes = from.message.bytes;
    from.done = to.done = true;
  }

  struct alignas(64) Segment : std::array<std::byte, kSharedBytes> {
    Segment() : std::array<std::byte, kSharedBytes>{} {}
  };

  int ranks_per_machine_;
  std::vector<std::unique_ptr<Segment>> segments_;
  std::mutex mutex_;
  std::map<std::tuple<int, int, int>, std::deque<std::shared_ptr<Half>>> waiting_;
};

class LocalTransfer final : public Transfer {
 public:
  LocalTransfer(std::shared_ptr<Switchboard> board, std::shared_ptr<Half> half)
      : board_(std::move(board)), half_(std::move(half)) {}
  bool done() override { return board_->done(*half_); }

 private:
  std::shared_ptr<Switchboard> board_;
  std::shared_ptr<Half> half_;
};

class LocalTransport final : public Transport {
 public:
  LocalTransport(std::shared_ptr<Switchboard> board, int rank, int size)
      : board_(std::move(board)), rank_(rank), size_(size), neighbours_(board_->neighbours(rank)) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int largest_tag() const override { return 1 << 30; }
  const Neighbours& neighbours() const override { return neighbours_; }
  void progress() override {}
  std::unique_ptr<Transfer> post(const Message& message) override {
    return std::make_unique<LocalTransfer>(board_, board_->post(rank_, message));
  }
  void close() override {}
  void abort(int) override {}

 private:
  std::shared_ptr<Switchboard> board_;
  int rank_;
  int size_;
  Neighbours neighbours_;
};

}  // namespace

void run_local_ranks(int size, const std::function<void(const std::shared_ptr<Group>&)>& body,
                     double time_limit_seconds, AtEnd at_end, int ranks_per_machine,
                     double liveness_seconds) {
  if (size == 1) return body(solo_group("world"));
  const auto board =
      std::make_shared<Switchboard>(size, ranks_per_machine > 0 ? ranks_per_machine : size);
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  threads.reserve(failures.size());
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      const auto stream =
          Stream::start([&] { return std::make_unique<LocalTransport>(board, rank, size); },
                        time_limit_seconds, liveness_seconds);
      try {
        const auto group = StreamGroup::world(stream);
        body(group);
        if (at_end == AtEnd::kBarrier) group->barrier().wait();
      } catch (...) {
        failures[static_cast<std::size_t>(rank)] = std::current_exception();
      }
      stream->close(/*orderly=*/true);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace muybridge
