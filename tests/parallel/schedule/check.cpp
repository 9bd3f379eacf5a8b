#include "tests/parallel/schedule/check.h"

#include <fmt/format.h>

#include <map>
#include <optional>

namespace muybridge {
namespace {

// How far a rank is with one micro-batch in one chunk.
struct Progress {
  bool received = false;           // the input
  bool received_gradient = false;  // of the output
  bool forward = false;
  bool input = false;
  bool weight = false;
  bool sent = false;
  bool sent_gradient = false;
};

// A message as both its ends see it: the section that made it.
struct Parcel {
  bool gradient;
  int section;
  int micro_batch;
  bool operator==(const Parcel&) const = default;
};

class Checker {
 public:
  Checker(const PipelineSchedule& schedule, int rank)
      : placement_(schedule.placement),
        micro_batches_(schedule.micro_batches),
        rank_(rank),
        progress_(static_cast<std::size_t>(placement_.virtual_stages * micro_batches_)) {}

  // The first thing wrong with the rank's own list.
  std::string run(const Order& order) {
    for (std::size_t k = 0; k < order.size(); ++k) {
      const Action& action = order[k];
      std::string why = action.computes() ? compute(action) : exchange(action);
      if (!why.empty())
        return fmt::format("rank {}, action {}, {}: {}", rank_, k, to_string(action), why);
    }
    for (int c = 0; c < placement_.virtual_stages; ++c)
      for (int i = 0; i < micro_batches_; ++i)
        if (std::string why = missing(c, at(i, c)); !why.empty())
          return fmt::format("rank {}, micro-batch {}, chunk {}: {}", rank_, i, c, why);
    return {};
  }

  // By peer, in the order posted.
  const std::map<int, std::vector<Parcel>>& sent() const { return sent_; }
  const std::map<int, std::vector<Parcel>>& received() const { return received_; }

 private:
  Progress& at(int micro_batch, int chunk) {
    const int at = chunk * micro_batches_ + micro_batch;
    return progress_[static_cast<std::size_t>(at)];
  }
  bool known(int micro_batch, int chunk) const {
    return micro_batch >= 0 && micro_batch < micro_batches_ && chunk >= 0 &&
           chunk < placement_.virtual_stages;
  }
  // The rank of the section before (-1) or after (1) a chunk of this rank; none at the model's ends
  // and where it is this rank.
  std::optional<int> neighbour(int chunk, int step) const {
    const int section = placement_.section_of(rank_, chunk) + step;
    if (section < 0 || section == placement_.sections()) return {};
    const int rank = placement_.place_of(section).rank;
    return rank == rank_ ? std::nullopt : std::optional(rank);
  }

  std::string compute(const Action& action) {
    if (!known(action.micro_batch, action.chunk)) return "no such micro-batch or chunk";
    Progress& p = at(action.micro_batch, action.chunk);
    if (action.kind == ActionKind::kForward) {
      if (p.forward) return "runs twice";
      if (neighbour(action.chunk, -1) && !p.received) return "its input was not received";
      p.forward = true;
      return {};
    }
    if (action.kind == ActionKind::kBackwardWeight) {
      if (p.weight) return "runs twice";
      if (!p.input) return "comes before the gradient of the input";
      p.weight = true;
      return {};
    }
    if (p.input) return "runs twice";
    if (!p.forward) return "comes before its forward";
    if (neighbour(action.chunk, 1) && !p.received_gradient)
      return "the gradient of its output was not received";
    p.input = true;
    p.weight = action.kind == ActionKind::kBackward;
    return {};
  }

  std::string exchange(const Action& action) {
    if (action.messages.empty()) return "holds no message";
    for (const StreamMessage& message : action.messages) {
      if (!known(message.micro_batch, message.chunk)) return "no such micro-batch or chunk";
      const int step = message.outgoing != message.gradient ? 1 : -1;
      if (neighbour(message.chunk, step) != message.peer)
        return "goes to or comes from a wrong rank";
      const int section = placement_.section_of(rank_, message.chunk);
      Progress& p = at(message.micro_batch, message.chunk);
      bool& done = message.outgoing ? (message.gradient ? p.sent_gradient : p.sent)
                                    : (message.gradient ? p.received_gradient : p.received);
      if (done) return "a message travels twice";
      done = true;
      if (message.outgoing && !(message.gradient ? p.input : p.forward))
        return "is sent before it is made";
      (message.outgoing ? sent_ : received_)[message.peer].push_back(
          {message.gradient, message.outgoing ? section : section + step, message.micro_batch});
    }
    return {};
  }

  std::string missing(int chunk, const Progress& p) const {
    if (!p.forward) return "no forward";
    if (!p.input) return "no backward";
    if (!p.weight) return "no weight gradient";
    if (neighbour(chunk, 1) && !p.sent) return "its output is not sent";
    if (neighbour(chunk, -1) && !p.sent_gradient) return "the gradient of its input is not sent";
    return {};
  }

  Placement placement_;
  int micro_batches_;
  int rank_;
  std::vector<Progress> progress_;
  std::map<int, std::vector<Parcel>> sent_, received_;
};

}  // namespace

std::string find_fault(const PipelineSchedule& schedule) {
  if (static_cast<int>(schedule.ranks.size()) != schedule.placement.stages)
    return fmt::format("{} lists for {} ranks", schedule.ranks.size(), schedule.placement.stages);
  std::vector<Checker> ranks;
  for (int r = 0; r < schedule.placement.stages; ++r) {
    ranks.emplace_back(schedule, r);
    if (std::string why = ranks.back().run(schedule.ranks[static_cast<std::size_t>(r)]);
        !why.empty())
      return why;
  }
  for (int r = 0; r < schedule.placement.stages; ++r)
    for (const auto& [peer, parcels] : ranks[static_cast<std::size_t>(r)].sent()) {
      const auto& received = ranks[static_cast<std::size_t>(peer)].received();
      const auto found = received.find(r);
      if (found == received.end() || found->second != parcels)
        return fmt::format("rank {} does not receive from rank {} in the order sent", peer, r);
    }
  return {};
}

}  // namespace muybridge
