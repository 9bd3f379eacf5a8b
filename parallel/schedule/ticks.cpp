#include "parallel/schedule/ticks.h"

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

constexpr double kTicks = 1 << 20;

double factor(double largest) { return largest > 0 ? kTicks / largest : 0; }

}  // namespace

double memory_ticks(const PipelineCosts& costs) {
  double largest = 0;
  for (const SectionCost& cost : costs.sections) largest = std::max(largest, cost.activation);
  return factor(largest);
}

PipelineCosts in_ticks(const PipelineCosts& costs) {
  double largest = costs.communication;
  for (const SectionCost& cost : costs.sections)
    largest = std::max({largest, cost.forward, cost.backward_input, cost.backward_weight});
  const double time = factor(largest);
  const double memory = memory_ticks(costs);
  const auto whole = [&](double seconds) { return std::max(1.0, std::round(seconds * time)); };
  PipelineCosts result{{}, std::round(costs.communication * time)};
  for (const SectionCost& cost : costs.sections)
    result.sections.push_back({whole(cost.forward), whole(cost.backward_input),
                               whole(cost.backward_weight), std::round(cost.activation * memory),
                               std::round(cost.kept * memory)});
  return result;
}

}  // namespace muybridge
