#pragma once

#include <cstddef>
#include <vector>

#include "parallel/schedule/placement.h"

namespace muybridge {

// What a section of the model costs with one micro-batch. Time and memory in any unit, the same
// for all sections.
struct SectionCost {
  double forward = 1;
  double backward_input = 1;
  double backward_weight = 1;
  double activation = 1;  // held from the start of the forward
  double kept = 1;        // held from BackwardInput, in place of it, until BackwardWeight is over;
                          // more than it where blocks run again

  double backward() const { return backward_input + backward_weight; }
};

struct PipelineCosts {
  std::vector<SectionCost> sections;  // in the order of the model
  double communication = 0;           // of one message between two ranks
};

// A model of equal sections, of which `rank` is the cost of all that one rank holds.
inline PipelineCosts equal_costs(const Placement& placement, const SectionCost& rank,
                                 double communication = 0) {
  const double part = 1.0 / placement.virtual_stages;
  const SectionCost section{rank.forward * part, rank.backward_input * part,
                            rank.backward_weight * part, rank.activation * part, rank.kept * part};
  return {std::vector<SectionCost>(static_cast<std::size_t>(placement.sections()), section),
          communication};
}

}  // namespace muybridge
