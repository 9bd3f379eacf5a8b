#include "model/patch_basis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace muybridge {
namespace {

constexpr double kFall = 0.3;  // of the weight with the square of the frequency

// Cosine `wave` of `size` samples at sample `at`, of length one.
double cosine(std::int64_t wave, std::int64_t at, std::int64_t size) {
  const double length = std::sqrt((wave == 0 ? 1.0 : 2.0) / static_cast<double>(size));
  return length * std::cos(std::numbers::pi * static_cast<double>(wave) *
                           (static_cast<double>(at) + 0.5) / static_cast<double>(size));
}

}  // namespace

std::vector<float> smooth_patch_basis(const Grid& patch, std::int64_t channels,
                                      std::int64_t width) {
  const std::array<std::int64_t, 4> sizes = {patch.frames, patch.height, patch.width, channels};
  const std::int64_t elements = patch.tokens() * channels;
  const auto place = [&](std::int64_t index) {
    std::array<std::int64_t, 4> at{};
    for (std::size_t axis = 4; axis-- > 0; index /= sizes[axis]) at[axis] = index % sizes[axis];
    return at;
  };
  // Channels are no axis of space: all their mixtures count alike.
  const auto weight = [&](std::int64_t index) {
    const auto wave = place(index);
    return 1.0 / (1.0 + kFall * static_cast<double>(wave[0] * wave[0] + wave[1] * wave[1] +
                                                    wave[2] * wave[2]));
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(elements));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return weight(a) > weight(b); });
  order.resize(static_cast<std::size_t>(std::min(width, elements)));

  double square = 0;
  for (const std::int64_t index : order) square += weight(index) * weight(index);
  const double scale = 1.0 / std::sqrt(square / static_cast<double>(order.size()));
  std::vector<float> basis(static_cast<std::size_t>(width * elements), 0.0F);
  for (std::size_t row = 0; row < order.size(); ++row) {
    const auto wave = place(order[row]);
    for (std::int64_t element = 0; element < elements; ++element) {
      const auto at = place(element);
      double value = scale * weight(order[row]);
      for (std::size_t axis = 0; axis < 4; ++axis)
        value *= cosine(wave[axis], at[axis], sizes[axis]);
      basis[row * static_cast<std::size_t>(elements) + static_cast<std::size_t>(element)] =
          static_cast<float>(value);
    }
  }
  return basis;
}

std::vector<float> transposed(const std::vector<float>& matrix, std::int64_t rows) {
  const std::int64_t columns = static_cast<std::int64_t>(matrix.size()) / rows;
  std::vector<float> result(matrix.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      result[static_cast<std::size_t>(j * rows + i)] =
          matrix[static_cast<std::size_t>(i * columns + j)];
  return result;
}

}  // namespace muybridge
