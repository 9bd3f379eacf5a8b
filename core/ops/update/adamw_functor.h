#pragma once

#include <cmath>
#include <cstdint>

#include "core/ops/update/weight_update.h"

namespace muybridge::functor {

// One walk over a slice: moments, master weights, their average and the rounded copy.
template <class T, class A>
struct AdamW {
  WeightUpdate<T, A> update;
  A* m;
  A* v;
  const A* gradient;
  A gradient_scale;
  A beta1, beta2, eps;
  A rest1, rest2;              // 1 - beta, rounded once: in f32 1 - 0.999 is off by 2e-5 of itself
  A correction1, correction2;  // 1 - beta^step

  std::int64_t bytes() const { return update.bytes() + 5 * static_cast<std::int64_t>(sizeof(A)); }
  MUY_HD void operator()(std::int64_t i) const {
    const A g = gradient[i] * gradient_scale;
    const A mean = beta1 * m[i] + rest1 * g, square = beta2 * v[i] + rest2 * g * g;
    m[i] = mean;
    v[i] = square;
    update(i, (mean / correction1) / (std::sqrt(square / correction2) + eps));
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
