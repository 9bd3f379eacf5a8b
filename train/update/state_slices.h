#pragma once

#include <algorithm>

#include "core/parameters.h"

namespace muybridge {

// What an optimizer keeps of each weight beside the weight, tensors of the state.
struct OptimizerState {
  Tensor momentum, variance, average;
};

// Consecutive elements of one range whose state this rank keeps.
struct StateSlices {
  Tensor master, gradient;
  Tensor compute;  // undefined where values are the master, or not there
  Tensor momentum, variance, average;

  // Of flat elements that the range keeps, see kept_in.
  StateSlices(const Parameters& parameters, const ParameterRange& range, FlatRange elements,
              const OptimizerState& state) {
    const auto of_kept = [&](const Tensor& kept) {
      return kept.rows(elements.begin - range.kept.begin, elements.size());
    };
    const auto of_state = [&](const Tensor& all) { return of_kept(range.state_of(all)); };
    master = of_state(parameters.master());
    gradient = of_kept(range.kept_gradients);
    if (range.kept_values.defined()) compute = of_kept(range.kept_values);
    momentum = of_state(state.momentum);
    variance = of_state(state.variance);
    average = of_state(state.average);
  }
};

// The elements of `wanted` that are kept; of size 0 or less where there are none.
inline FlatRange kept_in(FlatRange kept, FlatRange wanted) {
  return {std::max(kept.begin, wanted.begin), std::min(kept.end, wanted.end)};
}

}  // namespace muybridge
