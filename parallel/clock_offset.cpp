#include "parallel/clock_offset.h"

#include <algorithm>
#include <cstdlib>

namespace muybridge {
namespace {

constexpr int kRoundTrips = 9;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Tensor room() { return Tensor::zeros({1}, DType::kI64); }

void answer(Group& group, int rank) {
  for (int i = 0; i < kRoundTrips; ++i) {
    const Tensor question = room();
    group.exchange({}, {{rank, question}}).wait();
    group.exchange({{rank, Tensor::of<std::int64_t>({1}, {now()})}}, {}).wait();
  }
}

std::int64_t ask(Group& group) {
  std::vector<RoundTrip> trips(kRoundTrips);
  for (RoundTrip& trip : trips) {
    const Tensor theirs = room();
    trip.asked = now();
    group.exchange({{0, room()}}, {}).wait();
    group.exchange({}, {{0, theirs}}).wait();
    trip.heard = now();
    trip.said = theirs.data<std::int64_t>()[0];
  }
  return ahead_by(trips);
}

}  // namespace

std::int64_t ahead_by(const std::vector<RoundTrip>& trips) {
  const auto quickest = std::ranges::min_element(
      trips, {}, [](const RoundTrip& trip) { return trip.heard - trip.asked; });
  const std::int64_t half = (quickest->heard - quickest->asked) / 2;
  const std::int64_t ahead = quickest->asked + half - quickest->said;
  return std::abs(ahead) <= half ? 0 : ahead;
}

std::chrono::nanoseconds clock_ahead(Group& group) {
  std::int64_t ahead = 0;
  for (int rank = 1; rank < group.size(); ++rank) {
    if (group.rank() == 0)
      answer(group, rank);
    else if (group.rank() == rank)
      ahead = ask(group);
  }
  return std::chrono::nanoseconds(ahead);
}

}  // namespace muybridge
