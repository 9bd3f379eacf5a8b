#include "parallel/clock_offset.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

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
  std::int64_t quickest = std::numeric_limits<std::int64_t>::max(), ahead = 0;
  for (int i = 0; i < kRoundTrips; ++i) {
    const Tensor theirs = room();
    const std::int64_t begin = now();
    group.exchange({{0, room()}}, {}).wait();
    group.exchange({}, {{0, theirs}}).wait();
    const std::int64_t end = now(), trip = end - begin;
    if (trip >= quickest) continue;
    quickest = trip;
    ahead = begin + trip / 2 - theirs.data<std::int64_t>()[0];
  }
  return std::abs(ahead) <= quickest / 2 ? 0 : ahead;
}

}  // namespace

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
