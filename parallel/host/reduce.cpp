#include "parallel/host/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

namespace muybridge {
namespace {

constexpr std::int64_t kBlock = 2048;  // elements whose partial sums stay in the nearest cache

template <class T>
struct Wide {
  using type = T;
};
template <>
struct Wide<bf16> {
  using type = float;
};

template <class A>
A larger(A a, A b) {
  if constexpr (std::is_floating_point_v<A>)
    return (std::isnan(a) || a > b) ? a : b;  // NaN wins from either side
  else
    return std::max(a, b);
}

template <class T>
void reduce_typed(std::span<const std::byte* const> sources, std::byte* out_bytes,
                  std::int64_t count, Reduce how) {
  using A = typename Wide<T>::type;
  T* out = reinterpret_cast<T*>(out_bytes);
  std::array<A, kBlock> partial;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t n = std::min(kBlock, count - begin);
    const auto block = [&](const std::byte* source) {
      return reinterpret_cast<const T*>(source) + begin;
    };
    const T* first = block(sources[0]);
    for (std::int64_t i = 0; i < n; ++i) partial[i] = static_cast<A>(first[i]);
    for (const std::byte* source : sources.subspan(1)) {
      const T* next = block(source);
      if (how == Reduce::kSum)
        for (std::int64_t i = 0; i < n; ++i) partial[i] += static_cast<A>(next[i]);
      else
        for (std::int64_t i = 0; i < n; ++i)
          partial[i] = larger(partial[i], static_cast<A>(next[i]));
    }
    for (std::int64_t i = 0; i < n; ++i) out[begin + i] = static_cast<T>(partial[i]);
  }
}

}  // namespace

void reduce_in_order(std::span<const std::byte* const> sources, std::byte* out, std::int64_t count,
                     DType dtype, Reduce how) {
  switch (dtype) {
    case DType::kF32:
      return reduce_typed<float>(sources, out, count, how);
    case DType::kF64:
      return reduce_typed<double>(sources, out, count, how);
    case DType::kBF16:
      return reduce_typed<bf16>(sources, out, count, how);
    case DType::kI64:
      return reduce_typed<std::int64_t>(sources, out, count, how);
    default:
      fail_dtype(dtype, "reduce");
  }
}

}  // namespace muybridge
