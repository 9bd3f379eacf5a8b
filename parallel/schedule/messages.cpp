#include "parallel/schedule/messages.h"

#include <algorithm>

#include "parallel/schedule/simulator.h"
#include "parallel/schedule/ticks.h"

namespace muybridge {
namespace {

struct Event {
  double instant;
  int from, to;
  StreamMessage sent, received;
};

// What the computation's output is to other ranks; none where the next section is on this rank.
void add_events(const Placement& placement, int rank, const Action& action, double instant,
                std::vector<Event>& events) {
  if (action.kind == ActionKind::kBackwardWeight) return;
  const bool gradient = action.kind != ActionKind::kForward;
  const int section = placement.section_of(rank, action.chunk) + (gradient ? -1 : 1);
  if (section < 0 || section == placement.sections()) return;
  const ChunkPlace to = placement.place_of(section);
  if (to.rank == rank) return;
  events.push_back({instant,
                    rank,
                    to.rank,
                    {true, gradient, to.rank, action.micro_batch, action.chunk},
                    {false, gradient, rank, action.micro_batch, to.chunk}});
}

Order merge(const Order& computations, const std::vector<Span>& spans,
            const std::vector<std::pair<double, StreamMessage>>& messages) {
  Order order;
  std::size_t next = 0;
  double instant = -1;  // of the exchange that may still grow
  for (const auto& [at, message] : messages) {
    for (; next < computations.size() && spans[next].finish <= at; ++next)
      order.push_back(computations[next]);
    if (order.empty() || order.back().computes() || instant != at)
      order.push_back({ActionKind::kExchange, 0, 0, {}});
    order.back().messages.push_back(message);
    instant = at;
  }
  order.insert(order.end(), computations.begin() + static_cast<std::ptrdiff_t>(next),
               computations.end());
  return order;
}

}  // namespace

PipelineSchedule place_messages(const PipelineSchedule& computations, const PipelineCosts& costs) {
  const Simulation times = simulate(computations, in_ticks(costs), Sends::kImplied);
  std::vector<Event> events;
  for (std::size_t r = 0; r < computations.ranks.size(); ++r)
    for (std::size_t k = 0; k < computations.ranks[r].size(); ++k)
      add_events(computations.placement, static_cast<int>(r), computations.ranks[r][k],
                 times.spans[r][k].finish, events);
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.instant < b.instant; });

  std::vector<std::vector<std::pair<double, StreamMessage>>> messages(computations.ranks.size());
  for (const Event& event : events) {
    messages[static_cast<std::size_t>(event.from)].emplace_back(event.instant, event.sent);
    messages[static_cast<std::size_t>(event.to)].emplace_back(event.instant, event.received);
  }
  PipelineSchedule schedule = computations;
  for (std::size_t r = 0; r < schedule.ranks.size(); ++r)
    schedule.ranks[r] = merge(computations.ranks[r], times.spans[r], messages[r]);
  return schedule;
}

}  // namespace muybridge
