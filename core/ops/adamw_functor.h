#pragma once

#include <cmath>
#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// One walk over a slice: moments, master weights, their average and the rounded copy.
template <class T, class A>
struct AdamW {
  A* master;
  A* m;
  A* v;
  A* average;  // null: none is kept
  T* compute;  // null: the same memory as master
  const A* gradient;
  A gradient_scale;
  A learning_rate, beta1, beta2, eps, weight_decay;
  A rest1, rest2;              // 1 - beta, rounded once: in f32 1 - 0.999 is off by 2e-5 of itself
  A correction1, correction2;  // 1 - beta^step
  A average_weight;            // of the new value

  MUY_HD void operator()(std::int64_t i) const {
    const A g = gradient[i] * gradient_scale;
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    const A step = (m[i] / correction1) / (std::sqrt(v[i] / correction2) + eps);
    const A value = master[i] - learning_rate * (step + weight_decay * master[i]);
    master[i] = value;
    if (average) average[i] += average_weight * (value - average[i]);
    if (compute) compute[i] = static_cast<T>(value);
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ELEMENTS(AdamW<float, float>)
MUY_ELEMENTS(AdamW<bf16, float>)
MUY_ELEMENTS(AdamW<double, float>)
MUY_ELEMENTS(AdamW<float, double>)
MUY_ELEMENTS(AdamW<bf16, double>)
MUY_ELEMENTS(AdamW<double, double>)
}  // namespace muybridge
