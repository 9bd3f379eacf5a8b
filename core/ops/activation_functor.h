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
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* x;
  const T* bias;
  std::int64_t width;
  T* y;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x, bias, y); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const auto in = team.read(x + row * width, width);
    const auto add = team.read(bias, width);
    team.write(y + row * width, width, [&](auto at) {
      return math::gelu(static_cast<A>(in[at]) + static_cast<A>(add[at]));
    });
  }
};

// sums: the bias's gradient.
template <class T>
struct BiasGeluGrad {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  static constexpr int kGroups = 1;
  const T* x;
  const T* bias;
  const T* dy;
  std::int64_t width;
  T* dx;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x, bias, dy, dx); }
  template <class Team, class Sums>
  MUY_HD void operator()(const Team& team, std::int64_t row, Sums& sums) const {
    const auto in = team.read(x + row * width, width);
    const auto grad = team.read(dy + row * width, width);
    const auto add = team.read(bias, width);
    team.write(dx + row * width, width, [&](auto at) {
      const A g = static_cast<A>(grad[at]) *
                  math::gelu_grad(static_cast<A>(in[at]) + static_cast<A>(add[at]));
      sums(0, at) += g;
      return g;
    });
  }
};

// y = gelu(x's first half) * its second half.
template <class T>
struct GatedGelu {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* x;
  std::int64_t width;  // of y
  T* y;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x, y); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const auto gate = team.read(x + row * 2 * width, width);
    const auto up = team.read(x + row * 2 * width + width, width);
    team.write(y + row * width, width, [&](auto at) {
      return math::gelu(static_cast<A>(gate[at])) * static_cast<A>(up[at]);
    });
  }
};

// Of element i of dy.
template <class T>
struct GatedGeluGrad {
  using A = Accumulator<T>;
  const T* x;
  const T* dy;
  std::int64_t width;  // of dy
  T* dx;

  static std::int64_t bytes() { return 5 * sizeof(T); }
  MUY_HD void operator()(std::int64_t i) const {
    const std::int64_t gate = i / width * 2 * width + i % width, up = gate + width;
    const A g = static_cast<A>(x[gate]), grad = static_cast<A>(dy[i]);
    dx[gate] = static_cast<T>(grad * static_cast<A>(x[up]) * math::gelu_grad(g));
    dx[up] = static_cast<T>(grad * math::gelu(g));
  }
};

// y = x + bias; y may be x.
template <class T, class B>
struct AddBias {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* x;
  const B* bias;
  std::int64_t width;
  T* y;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x, bias, y); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const auto in = team.read(x + row * width, width);
    const auto add = team.read(bias, width);
    team.write(y + row * width, width, [&](auto at) {
      return static_cast<A>(in[at]) + static_cast<A>(static_cast<Accumulator<B>>(add[at]));
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ELEMENTS, Silu)
MUY_FLOATS(MUY_ELEMENTS, SiluGrad)
MUY_FLOATS(MUY_ROWS, BiasGelu)
MUY_FLOATS_SUM(BiasGeluGrad)
MUY_FLOATS(MUY_ROWS, GatedGelu)
MUY_FLOATS(MUY_ELEMENTS, GatedGeluGrad)
MUY_ROWS(AddBias<float, float>)
MUY_ROWS(AddBias<float, bf16>)
MUY_ROWS(AddBias<bf16, bf16>)
MUY_ROWS(AddBias<double, double>)
}  // namespace muybridge
