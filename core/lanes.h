#pragma once

#include <algorithm>
#include <cstdint>

#include "core/dtype.h"

namespace muybridge {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#else
inline constexpr int kVectorBytes = 32;
#endif

template <class C>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(C));

template <class C>
struct VectorOf {
  typedef C type __attribute__((vector_size(kVectorBytes), aligned(sizeof(C)), may_alias));
};

// Partial results, one a lane of a vector: lane l collects the items l, l + kLanes, .. of a walk,
// what does not fill a vector is collected apart, and the lanes are folded by halves. The order is
// fixed. (GCC's own `omp simd reduction` adds the lanes one after the other through memory, which
// takes longer than a short row.) Join is a call operator for vectors and for scalars.
template <class C, class Join>
class LaneFold {
 public:
  explicit LaneFold(C start) : lanes_(Vector{} + start), rest_(start) {}

  // Takes f(i) in for i in [0, n).
  template <class F>
  void add(std::int64_t n, const F& f) {
    std::int64_t i = 0;
    for (; i + kLanes<C> <= n; i += kLanes<C>) {
      C items[kLanes<C>];
#pragma omp simd
      for (int lane = 0; lane < kLanes<C>; ++lane) items[lane] = f(i + lane);
      lanes_ = Join{}(lanes_, *reinterpret_cast<const Vector*>(items));
    }
    for (; i < n; ++i) rest_ = Join{}(rest_, f(i));
  }

  C result() const {
    C lanes[kLanes<C>];
    *reinterpret_cast<Vector*>(lanes) = lanes_;
#pragma GCC unroll 4
    for (int half = kLanes<C> / 2; half > 0; half /= 2)
#pragma omp simd
      for (int lane = 0; lane < half; ++lane) lanes[lane] = Join{}(lanes[lane], lanes[lane + half]);
    return Join{}(lanes[0], rest_);
  }

 private:
  using Vector = typename VectorOf<C>::type;
  Vector lanes_;
  C rest_;
};

struct Plus {
  template <class V>
  MUY_HD V operator()(V a, V b) const {
    return a + b;
  }
};
struct Greater {
  template <class V>
  MUY_HD V operator()(V a, V b) const {
    return a > b ? a : b;
  }
};

// The sum of f(i) for i in [0, n).
template <class C, class F>
C lane_sum(std::int64_t n, const F& f) {
  LaneFold<C, Plus> fold(C{0});
  fold.add(n, f);
  return fold.result();
}

}  // namespace muybridge
