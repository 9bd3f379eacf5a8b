#include "parallel/schedule/simulator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr double kNever = -1;

class Simulator {
 public:
  Simulator(const PipelineSchedule& schedule, const PipelineCosts& costs, Sends sends)
      : schedule_(schedule),
        costs_(costs),
        sends_(sends),
        ranks_(schedule.ranks.size()),
        activations_(inputs(), kNever),
        gradients_(inputs(), kNever),
        forwards_(inputs(), kNever),
        lines_(ranks_.size() * ranks_.size()) {
    // The first section's input and the gradient of the last one's output come from the rank
    // itself.
    const auto m = static_cast<std::size_t>(schedule.micro_batches);
    std::fill_n(activations_.begin(), m, 0.0);
    std::fill(gradients_.end() - static_cast<std::ptrdiff_t>(m), gradients_.end(), 0.0);
  }

  Simulation run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t r = 0; r < ranks_.size(); ++r)
        while (step(static_cast<int>(r))) moved = true;
    }
    require_over();
    return result();
  }

 private:
  struct Rank {
    std::size_t next = 0;
    bool posted = false;               // the exchange that is next
    std::vector<std::size_t> tickets;  // of its messages, in their lines
    double clock = 0;
    double busy = 0;
    double activation = 0;
    double peak = 0;
    std::vector<Span> spans;
  };
  // From one rank to another: when sends and receives were posted.
  struct Line {
    std::vector<double> sends, receives;
  };

  std::size_t inputs() const { return index(schedule_.placement.sections(), 0); }
  std::size_t index(int section, int micro_batch) const {
    const int at = section * schedule_.micro_batches + micro_batch;
    return static_cast<std::size_t>(at);
  }
  Line& line(int from, int to) {
    return lines_[static_cast<std::size_t>(from) * ranks_.size() + static_cast<std::size_t>(to)];
  }
  const SectionCost& cost(int section) const {
    return costs_.sections[static_cast<std::size_t>(section)];
  }

  // Runs the next action of rank r if it can run.
  bool step(int r) {
    Rank& rank = ranks_[static_cast<std::size_t>(r)];
    const Order& order = schedule_.ranks[static_cast<std::size_t>(r)];
    if (rank.next == order.size()) return false;
    const Action& action = order[rank.next];
    if (action.computes() ? !compute(r, rank, action) : !exchange(r, rank, action)) return false;
    rank.clock = rank.spans.back().finish;
    ++rank.next;
    return true;
  }

  bool compute(int r, Rank& rank, const Action& action) {
    const int section = schedule_.placement.section_of(r, action.chunk);
    const std::size_t at = index(section, action.micro_batch);
    const SectionCost& c = cost(section);
    double ready = 0;
    double takes = 0;
    switch (action.kind) {
      case ActionKind::kForward:
        ready = activations_[at];
        takes = c.forward;
        break;
      case ActionKind::kBackward:
      case ActionKind::kBackwardInput:
        ready = forwards_[at] == kNever ? kNever : gradients_[at];
        takes = action.kind == ActionKind::kBackward ? c.backward() : c.backward_input;
        break;
      default:
        takes = c.backward_weight;
    }
    if (ready == kNever) return false;
    const double start = std::max(rank.clock, ready);
    const double finish = start + takes;
    rank.spans.push_back({start, finish});
    rank.busy += takes;
    if (action.kind == ActionKind::kForward) {
      forwards_[at] = finish;
      rank.activation += c.activation;
      hand_on(r, section + 1, action.micro_batch, finish, activations_);
    } else {
      if (action.kind != ActionKind::kBackwardInput) rank.activation -= c.kept;
      if (action.kind != ActionKind::kBackwardWeight) {
        rank.activation -= c.activation - c.kept;
        hand_on(r, section - 1, action.micro_batch, finish, gradients_);
      }
    }
    rank.peak = std::max(rank.peak, rank.activation);
    return true;
  }

  // An output reaches the next section by itself where that lies on the same rank.
  void hand_on(int r, int section, int micro_batch, double finish, std::vector<double>& arrivals) {
    if (section < 0 || section == schedule_.placement.sections()) return;
    if (schedule_.placement.place_of(section).rank == r)
      arrivals[index(section, micro_batch)] = finish;
    else if (sends_ == Sends::kImplied)
      arrivals[index(section, micro_batch)] = finish + costs_.communication;
  }

  bool exchange(int r, Rank& rank, const Action& action) {
    if (!rank.posted && sends_ != Sends::kImplied) post(r, rank, action);
    double finish = rank.clock;
    if (sends_ == Sends::kRendezvous) {
      for (std::size_t k = 0; k < action.messages.size(); ++k) {
        const double met = meeting(r, action.messages[k], rank.tickets[k]);
        if (met == kNever) return false;
        finish = std::max(finish, met + costs_.communication);
        if (!action.messages[k].outgoing) arrive(r, action.messages[k], finish);
      }
    }
    rank.posted = false;
    rank.spans.push_back({rank.clock, finish});
    return true;
  }

  void post(int r, Rank& rank, const Action& action) {
    rank.posted = true;
    rank.tickets.clear();
    for (const StreamMessage& message : action.messages) {
      Line& way = message.outgoing ? line(r, message.peer) : line(message.peer, r);
      std::vector<double>& posts = message.outgoing ? way.sends : way.receives;
      rank.tickets.push_back(posts.size());
      posts.push_back(rank.clock);
      if (sends_ == Sends::kBuffered && message.outgoing)
        arrive(r, message, rank.clock + costs_.communication);
    }
  }

  double meeting(int r, const StreamMessage& message, std::size_t ticket) {
    const Line& way = message.outgoing ? line(r, message.peer) : line(message.peer, r);
    if (ticket >= way.sends.size() || ticket >= way.receives.size()) return kNever;
    return std::max(way.sends[ticket], way.receives[ticket]);
  }

  // The message reaches the rank that uses it; a message between wrong ranks reaches nobody.
  void arrive(int r, const StreamMessage& message, double time) {
    const int step = message.outgoing ? (message.gradient ? -1 : 1) : 0;
    const int section = schedule_.placement.section_of(r, message.chunk) + step;
    if (section >= 0 && section < schedule_.placement.sections())
      (message.gradient ? gradients_ : activations_)[index(section, message.micro_batch)] = time;
  }

  void require_over() const {
    std::vector<std::string> stuck;
    for (std::size_t r = 0; r < ranks_.size(); ++r)
      if (ranks_[r].next < schedule_.ranks[r].size())
        stuck.push_back(fmt::format("rank {} at action {}, {}", r, ranks_[r].next,
                                    to_string(schedule_.ranks[r][ranks_[r].next])));
    if (!stuck.empty())
      fail(ExitCode::kInternal,
           "pipeline schedule: deadlock with {} stages and {} micro-batches: {}",
           schedule_.placement.stages, schedule_.micro_batches, fmt::join(stuck, "; "));
  }

  Simulation result() {
    Simulation simulation;
    double busy = 0;
    for (Rank& rank : ranks_) {
      simulation.finish = std::max(simulation.finish, rank.clock);
      busy += rank.busy;
      simulation.peak_activation.push_back(rank.peak);
      simulation.spans.push_back(std::move(rank.spans));
    }
    const double whole = simulation.finish * static_cast<double>(ranks_.size());
    simulation.bubble = whole > 0 ? (whole - busy) / whole : 0;
    return simulation;
  }

  const PipelineSchedule& schedule_;
  const PipelineCosts& costs_;
  Sends sends_;
  std::vector<Rank> ranks_;
  // When they reach the rank that uses them, by section and micro-batch.
  std::vector<double> activations_, gradients_;
  std::vector<double> forwards_;  // when they were over
  std::vector<Line> lines_;
};

}  // namespace

double Simulation::largest_activation() const {
  return *std::max_element(peak_activation.begin(), peak_activation.end());
}

Simulation simulate(const PipelineSchedule& schedule, const PipelineCosts& costs, Sends sends) {
  return Simulator(schedule, costs, sends).run();
}

}  // namespace muybridge
