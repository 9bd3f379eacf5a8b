#pragma once

#include <cstdint>

#include "core/functor.h"
#include "core/math.h"

namespace muybridge::functor {

template <class T>
struct Silu {
  const T* x;
  T* y;
  MUY_HD void operator()(std::int64_t i) const {
    y[i] = static_cast<T>(math::silu(static_cast<Accumulator<T>>(x[i])));
  }
};

template <class T>
struct SiluGrad {
  const T* x;
  const T* dy;
  T* dx;
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    dx[i] = static_cast<T>(static_cast<A>(dy[i]) * math::silu_grad(static_cast<A>(x[i])));
  }
};

template <class T>
struct BiasGelu {
  const T* x;
  const T* bias;
  std::int64_t width;
  T* y;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    using A = Accumulator<T>;
    const T* const in = x + row * width;
    T* const out = y + row * width;
    team.each(width, [&](std::int64_t j) {
      out[j] = static_cast<T>(math::gelu(static_cast<A>(in[j]) + static_cast<A>(bias[j])));
    });
  }
};

// sums: the bias's gradient.
template <class T>
struct BiasGeluGrad {
  using A = Accumulator<T>;
  const T* x;
  const T* bias;
  const T* dy;
  std::int64_t width;
  T* dx;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const T* const in = x + row * width;
    const T* const grad = dy + row * width;
    T* const out = dx + row * width;
    team.each(width, [&](std::int64_t j) {
      const A g = static_cast<A>(grad[j]) *
                  math::gelu_grad(static_cast<A>(in[j]) + static_cast<A>(bias[j]));
      out[j] = static_cast<T>(g);
      sums[j] += g;
    });
  }
};

// y = x + bias; y may be x.
template <class T, class B>
struct AddBias {
  const T* x;
  const B* bias;
  std::int64_t width;
  T* y;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    using A = Accumulator<T>;
    const std::int64_t begin = row * width;
    team.each(width, [&](std::int64_t j) {
      y[begin + j] = static_cast<T>(static_cast<A>(x[begin + j]) +
                                    static_cast<A>(static_cast<Accumulator<B>>(bias[j])));
    });
  }
};

// sums: column sums of x.
template <class T>
struct ColumnSum {
  const T* x;
  std::int64_t width;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, Accumulator<T>* sums) const {
    const T* const in = x + row * width;
    team.each(width, [&](std::int64_t j) { sums[j] += static_cast<Accumulator<T>>(in[j]); });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ELEMENTS, Silu)
MUY_FLOATS(MUY_ELEMENTS, SiluGrad)
MUY_FLOATS(MUY_ROWS, BiasGelu)
MUY_FLOATS_SUM(BiasGeluGrad)
MUY_ROWS(AddBias<float, float>)
MUY_ROWS(AddBias<float, bf16>)
MUY_ROWS(AddBias<bf16, bf16>)
MUY_ROWS(AddBias<double, double>)
MUY_FLOATS_SUM(ColumnSum)
}  // namespace muybridge
