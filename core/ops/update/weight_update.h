#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// The end of every optimizer's step for one weight: decoupled decay (Loshchilov and Hutter 2019),
// the average and the rounded copy.
template <class T, class A>
struct WeightUpdate {
  A* master;
  A* average;  // null: none is kept
  T* compute;  // null: the same memory as master
  A learning_rate, weight_decay;
  A average_weight;  // of the new value

  std::int64_t bytes() const {
    return static_cast<std::int64_t>((average ? 4 : 2) * sizeof(A) + (compute ? sizeof(T) : 0));
  }

  MUY_HD void operator()(std::int64_t i, A step) const {
    const A before = master[i], averaged = average ? average[i] : A{0};
    const A value = before - learning_rate * (step + weight_decay * before);
    master[i] = value;
    if (average) average[i] = averaged + average_weight * (value - averaged);
    if (compute) compute[i] = static_cast<T>(value);
  }
};

}  // namespace muybridge::functor
