#include "parallel/host/operation_runner.h"

#include <algorithm>
#include <set>

namespace muybridge {
namespace {

// Of longer messages the sender may have to do something until they have arrived.
constexpr std::size_t kEagerBytes = 4096;

}  // namespace

OperationRunner::~OperationRunner() {
  fail_all(ExitCode::kInternal, "the communication thread has ended");
}

void OperationRunner::admit(Operation operation, Time now) {
  const bool ordered = operation.ordered;
  const int context = operation.members->context;
  Running running{.operation = std::move(operation), .moved = now, .flights = {}, .borrowed = {}};
  if (ordered)
    ordered_[context].push_back(std::move(running));
  else
    unordered_.push_back(std::move(running));
  ++under_way_;
}

void OperationRunner::start() {
  for (Running& running : unordered_)
    if (!running.started) start_round(running);
  for (auto& [context, queue] : ordered_)
    if (!queue.empty() && !queue.front().started) start_round(queue.front());
}

bool OperationRunner::advance(Time now, std::chrono::duration<double> time_limit) {
  bool moved = false;
  if (in_flight_ > 0) transport_.progress();
  for (auto running = unordered_.begin(); running != unordered_.end();) {
    moved |= advance(*running, now, time_limit);
    running = running->over() ? unordered_.erase(running) : std::next(running);
  }
  for (auto& [context, queue] : ordered_) {
    if (queue.empty()) continue;
    moved |= advance(queue.front(), now, time_limit);
    if (!queue.front().over()) continue;
    queue.pop_front();
    if (!queue.empty()) queue.front().moved = now;
  }
  return moved;
}

void OperationRunner::start_round(Running& running) {
  if (running.round == 0) running.began = std::chrono::steady_clock::now();
  const GroupMembers& members = *running.operation.members;
  const Plan& plan = running.operation.plan;
  const Round& round = plan.rounds[running.round];
  if (plan.borrowed > running.borrowed.bytes())
    running.borrowed = Buffer(plan.borrowed, Device::kCpu);
  auto* borrowed = static_cast<std::byte*>(running.borrowed.data());
  if (round.before) round.before(borrowed);
  const int tag = tag_of(running.operation);
  for (const Move& move : round.moves) {
    const int peer = members.ranks[static_cast<std::size_t>(move.peer)];
    running.flights.push_back(
        {peer, move.outgoing, move.bytes,
         transport_.post({move.outgoing, peer, tag, move.place(borrowed), move.bytes})});
    const Bell bell = transport_.neighbours().bell(peer);
    if (!bell.heard()) ++unheard_;
    if (move.outgoing) bell.ring_for_neighbour();
  }
  in_flight_ += round.moves.size();
  running.met = 0;
  running.started = true;
}

void OperationRunner::land(const Flight& flight) {
  --in_flight_;
  const Bell bell = transport_.neighbours().bell(flight.peer);
  if (!bell.heard()) --unheard_;
  if (!flight.outgoing && flight.bytes > kEagerBytes) bell.ring_for_neighbour();
}

// `moved` becomes true when a message is over or a rank has come.
bool OperationRunner::round_over(Running& running, bool& moved) {
  const auto over = std::erase_if(running.flights, [&](const Flight& flight) {
    if (!flight.transfer->done()) return false;
    land(flight);
    return true;
  });
  const Round& round = running.operation.plan.rounds[running.round];
  const std::size_t met = running.met;
  while (running.met < round.awaited.size() && round.met(running.met)) ++running.met;
  if (over > 0 || running.met > met) moved = true;
  return running.flights.empty() && running.met == round.awaited.size();
}

bool OperationRunner::advance(Running& running, Time now,
                              std::chrono::duration<double> time_limit) {
  bool moved = false;
  while (!running.over()) {
    if (!running.started) start_round(running);
    if (!round_over(running, moved)) break;
    const Round& round = running.operation.plan.rounds[running.round];
    if (round.then) round.then(static_cast<std::byte*>(running.borrowed.data()));
    ++running.round;
    running.started = false;
    moved = true;
  }
  if (running.over())
    end(running);
  else if (moved)
    running.moved = now;
  else if (now - running.moved > time_limit)
    report_lost(running, time_limit.count());
  return moved;
}

void OperationRunner::end(Running& running) {
  // Handles are gone before anybody hears of the end.
  const std::shared_ptr<OperationResult> result = std::move(running.operation.result);
  running.operation.plan.tensors.clear();
  for (Round& round : running.operation.plan.rounds) round.before = round.then = nullptr;
  running.borrowed = Buffer();
  --under_way_;
  if (Timeline* const timeline = result->timeline(); timeline != nullptr && timeline->on())
    timeline->add(Timeline::Lane::kTravel,
                  fmt::format("{} {} {} B", running.operation.members->name, running.operation.what,
                              running.operation.bytes),
                  running.began, std::chrono::steady_clock::now());
  result->succeed();
}

void OperationRunner::report_lost(const Running& running, double seconds) const {
  std::set<int> peers;
  for (const Flight& flight : running.flights) peers.insert(flight.peer);
  const GroupMembers& members = *running.operation.members;
  const Round& round = running.operation.plan.rounds[running.round];
  for (std::size_t i = 0; i < round.awaited.size(); ++i)
    if (!round.met(i)) peers.insert(members.ranks[static_cast<std::size_t>(round.awaited[i])]);
  throw Stalled(
      fmt::format(
          "{}: nothing from rank{} {} of the job for {} s; look into their logs, then start "
          "the same command again",
          describe(running.operation), peers.size() > 1 ? "s" : "", fmt::join(peers, ", "),
          seconds),
      peers.empty() ? members.ranks.front() : *peers.begin());
}

double OperationRunner::silence(Time now) const {
  double longest = 0;
  const auto look_at = [&](const Running& running) {
    longest = std::max(longest, std::chrono::duration<double>(now - running.moved).count());
  };
  for (const Running& running : unordered_) look_at(running);
  for (const auto& [context, queue] : ordered_)
    if (!queue.empty()) look_at(queue.front());
  return longest;
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
  under_way_ = in_flight_ = unheard_ = 0;
}

std::chrono::microseconds pause_after(std::chrono::microseconds idle, bool awaited, bool unheard) {
  using std::chrono::microseconds;
  constexpr microseconds kPatience{300};
  if (awaited && idle < kPatience) return microseconds{0};
  // A sleep costs up to 25 microseconds of CPU on a virtual machine: sleep for longer, the longer
  // nothing came, and lose at most an eighth.
  return std::clamp(idle / 8, microseconds{20}, microseconds{awaited && unheard ? 200 : 1000});
}

}  // namespace muybridge
