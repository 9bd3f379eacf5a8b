#pragma once

#include <cstdint>

#include "core/ops/update/weight_update.h"

namespace muybridge::functor {

// Nesterov's momentum, whose result takes the gradient's place.
template <class A>
struct MuonMomentum {
  A* m;
  A* gradient;
  A gradient_scale;
  A momentum, rest;  // rest is 1 - momentum, rounded once

  static std::int64_t bytes() { return 4 * sizeof(A); }
  MUY_HD void operator()(std::int64_t i) const {
    const A g = rest * gradient_scale * gradient[i];
    m[i] = momentum * m[i] + g;
    gradient[i] = momentum * m[i] + g;
  }
};

// gram [n, n] = a I + b gram + c square.
template <class A>
struct NewtonSchulz {
  A* gram;
  const A* square;
  std::int64_t n;
  A a, b, c;

  MUY_HD void operator()(std::int64_t i) const {
    gram[i] = b * gram[i] + c * square[i] + (i % (n + 1) == 0 ? a : A{0});
  }
};

// One step along `direction` times `size`.
template <class T, class A>
struct Descend {
  WeightUpdate<T, A> update;
  const A* direction;
  A size;

  std::int64_t bytes() const { return update.bytes() + static_cast<std::int64_t>(sizeof(A)); }
  MUY_HD void operator()(std::int64_t i) const { update(i, size * direction[i]); }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ELEMENTS(MuonMomentum<float>)
MUY_ELEMENTS(MuonMomentum<double>)
MUY_ELEMENTS(NewtonSchulz<float>)
MUY_ELEMENTS(NewtonSchulz<double>)
MUY_ELEMENTS(Descend<float, float>)
MUY_ELEMENTS(Descend<bf16, float>)
MUY_ELEMENTS(Descend<double, float>)
MUY_ELEMENTS(Descend<float, double>)
MUY_ELEMENTS(Descend<bf16, double>)
MUY_ELEMENTS(Descend<double, double>)
}  // namespace muybridge
