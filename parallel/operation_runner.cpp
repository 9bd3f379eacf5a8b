#include "parallel/operation_runner.h"

#include <algorithm>
#include <set>

namespace muybridge {

OperationRunner::~OperationRunner() {
  fail_all(ExitCode::kInternal, "the communication thread has ended");
}

void OperationRunner::admit(Operation operation, Time now) {
  const bool ordered = operation.ordered;
  const int context = operation.members->context;
  Running running{.operation = std::move(operation), .moved = now, .flights = {}};
  if (ordered)
    ordered_[context].push_back(std::move(running));
  else
    unordered_.push_back(std::move(running));
}

bool OperationRunner::advance(Time now, std::chrono::duration<double> time_limit) {
  bool moved = false;
  for (auto running = unordered_.begin(); running != unordered_.end();) {
    moved |= advance(*running, now, time_limit);
    running = running->over() ? unordered_.erase(running) : std::next(running);
  }
  for (auto entry = ordered_.begin(); entry != ordered_.end();) {
    std::deque<Running>& queue = entry->second;
    moved |= advance(queue.front(), now, time_limit);
    if (queue.front().over()) {
      queue.pop_front();
      if (!queue.empty()) queue.front().moved = now;
    }
    entry = queue.empty() ? ordered_.erase(entry) : std::next(entry);
  }
  return moved;
}

void OperationRunner::start_round(Running& running) {
  const GroupMembers& members = *running.operation.members;
  const int tag = tag_of(running.operation);
  for (const Move& move : running.operation.plan.rounds[running.round].moves) {
    const int peer = members.ranks[static_cast<std::size_t>(move.peer)];
    running.flights.push_back(
        {peer, transport_.post({move.outgoing, peer, tag, move.data, move.bytes})});
  }
  running.started = true;
}

bool OperationRunner::advance(Running& running, Time now,
                              std::chrono::duration<double> time_limit) {
  bool moved = false;
  while (!running.over()) {
    if (!running.started) start_round(running);
    const auto arrived = std::erase_if(
        running.flights, [](const Flight& flight) { return flight.transfer->done(); });
    if (arrived > 0) moved = true;
    if (!running.flights.empty()) break;
    const Round& round = running.operation.plan.rounds[running.round];
    if (round.then) round.then();
    ++running.round;
    running.started = false;
    moved = true;
  }
  if (running.over()) {
    running.operation.plan.tensors.clear();  // handles are gone before anybody hears of the end
    for (Round& round : running.operation.plan.rounds) round.then = nullptr;
    running.operation.result->succeed();
  } else if (moved) {
    running.moved = now;
  } else if (now - running.moved > time_limit) {
    report_lost(running, time_limit.count());
  }
  return moved;
}

void OperationRunner::report_lost(const Running& running, double seconds) const {
  std::set<int> peers;
  for (const Flight& flight : running.flights) peers.insert(flight.peer);
  fail(ExitCode::kRankLost,
       "{}: nothing from rank{} {} of the job for {} s; look into their logs, then start the same "
       "command again",
       describe(running.operation), peers.size() > 1 ? "s" : "", fmt::join(peers, ", "), seconds);
}

void OperationRunner::fail_all(ExitCode code, const std::string& message) {
  const auto abandon = [&](Running& running) {
    running.operation.result->fail(code, message);
    keep_forever(std::make_shared<Running>(std::move(running)));
  };
  for (Running& running : unordered_) abandon(running);
  for (auto& [context, queue] : ordered_)
    for (Running& running : queue) abandon(running);
  unordered_.clear();
  ordered_.clear();
}

std::chrono::microseconds pause_after(std::chrono::microseconds idle, bool awaited) {
  using std::chrono::microseconds;
  constexpr microseconds kPatience{300};
  if (awaited && idle < kPatience) return microseconds{0};
  // A sleep costs up to 25 microseconds of CPU on a virtual machine: sleep for longer, the longer
  // nothing came, and lose at most an eighth.
  return std::clamp(idle / 8, microseconds{20}, microseconds{1000});
}

}  // namespace muybridge
