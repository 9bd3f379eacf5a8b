#include "core/initializer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "core/parallel_for.h"
#include "core/random.h"

namespace muybridge {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// Gram and Schmidt, twice for accuracy, over rows of the wide form: [min, max] of the extents.
std::vector<double> orthonormal_rows(const RandomStream& stream, std::int64_t vectors,
                                     std::int64_t length) {
  std::vector<double> rows(static_cast<std::size_t>(vectors * length));
  for (std::int64_t v = 0; v < vectors; ++v) {
    double* const row = rows.data() + v * length;
    for (std::int64_t i = 0; i < length; ++i)
      row[i] = stream.normal(static_cast<std::uint64_t>(v * length + i));
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t u = 0; u < v; ++u) {
        const double* const other = rows.data() + u * length;
        const double dot = std::inner_product(row, row + length, other, 0.0);
        for (std::int64_t i = 0; i < length; ++i) row[i] -= dot * other[i];
      }
    const double norm = std::sqrt(std::inner_product(row, row + length, row, 0.0));
    for (std::int64_t i = 0; i < length; ++i) row[i] /= norm;
  }
  return rows;
}

// out[i] = f(place of the slice's element i), on all threads.
template <class T, class F>
void fill(const Slice& slice, std::span<T> out, const F& f) {
  parallel_for(std::ssize(out), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) out[i] = static_cast<T>(f(slice.at(i)));
  });
}

}  // namespace

void require_fit(const Initializer& initializer, std::string_view name, const Shape& shape) {
  const auto matrix = [&](const char* kind) {
    if (shape.rank() != 2)
      throw std::invalid_argument(
          fmt::format("parameter '{}' is {}; {} needs a matrix", name, shape, kind));
  };
  std::visit(Overloaded{
                 [](const Constant&) {},
                 [](const Normal&) {},
                 [&](const Glorot&) { matrix("Glorot's range"); },
                 [&](const Orthonormal&) { matrix("orthonormal"); },
                 [&](const RowConstants& kind) {
                   if (shape.rank() == 0 || shape[0] != std::ssize(kind.rows))
                     throw std::invalid_argument(
                         fmt::format("parameter '{}' is {} and starts from constants of {} rows",
                                     name, shape, kind.rows.size()));
                 },
                 [&](const Values& kind) {
                   if (shape.numel() != std::ssize(kind.values))
                     throw std::invalid_argument(
                         fmt::format("parameter '{}' is {} and starts from {} values", name, shape,
                                     kind.values.size()));
                 },
             },
             initializer);
}

template <class T>
void initialise(const Initializer& initializer, std::string_view name, const Shape& shape,
                std::uint64_t seed, const Slice& slice, std::span<T> out) {
  const auto stream = [&](std::string_view key) {
    return RandomStream(seed, Purpose::kInit, hash_name(key));
  };
  const auto element = [](std::int64_t i) { return static_cast<std::uint64_t>(i); };
  std::visit(Overloaded{
                 [&](const Constant& kind) { std::fill(out.begin(), out.end(), T{kind.value}); },
                 [&](const RowConstants& kind) {
                   const std::int64_t row = std::max<std::int64_t>(1, shape.numel() / shape[0]);
                   fill(slice, out, [&](std::int64_t i) { return kind.rows[i / row]; });
                 },
                 [&](const Values& kind) {
                   fill(slice, out, [&](std::int64_t i) { return kind.values[i]; });
                 },
                 [&](const Normal& kind) {
                   fill(slice, out, [&, numbers = stream(name)](std::int64_t i) {
                     return kind.deviation * numbers.normal(element(i));
                   });
                 },
                 [&](const Glorot& kind) {
                   const float half =
                       kind.gain * std::sqrt(6.0F / static_cast<float>(shape[0] + shape[1]));
                   fill(slice, out, [&, numbers = stream(name)](std::int64_t i) {
                     return half * (2 * numbers.uniform(element(i)) - 1);
                   });
                 },
                 [&](const Orthonormal& kind) {
                   const bool tall = shape[0] > shape[1];
                   const std::int64_t length = std::max(shape[0], shape[1]);
                   const std::vector<double> rows =
                       orthonormal_rows(stream(kind.key), std::min(shape[0], shape[1]), length);
                   fill(slice, out, [&](std::int64_t i) {
                     const std::int64_t row = i / shape[1], column = i % shape[1];
                     return tall ? rows[column * length + row] : rows[row * length + column];
                   });
                 },
             },
             initializer);
}

template void initialise(const Initializer&, std::string_view, const Shape&, std::uint64_t,
                         const Slice&, std::span<float>);
template void initialise(const Initializer&, std::string_view, const Shape&, std::uint64_t,
                         const Slice&, std::span<double>);

}  // namespace muybridge
