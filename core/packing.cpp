#include "core/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace muybridge {

void Packing::add(const Grid& grid) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto too_many = [&] {
    throw std::invalid_argument(fmt::format("packing: a clip of {}x{}x{} tokens behind {} others",
                                            grid.frames, grid.height, grid.width, offsets.back()));
  };
  if (std::min({grid.frames, grid.height, grid.width}) < 0) too_many();
  const std::int64_t picture = std::int64_t{grid.height} * grid.width;
  if (picture > 0 && grid.frames > (kMost - offsets.back()) / picture) too_many();
  grids.push_back(grid);
  offsets.push_back(static_cast<std::int32_t>(offsets.back() + grid.tokens()));
  rows = std::max<std::int64_t>(rows, used());
}

Packing Packing::of(const std::vector<Grid>& grids, std::int64_t rows) {
  Packing packing;
  for (const Grid& grid : grids) packing.add(grid);
  if (rows != 0 && rows < packing.used())
    throw std::invalid_argument(
        fmt::format("packing: clips hold {} tokens, the row only {}", packing.used(), rows));
  packing.rows = std::max(rows, packing.used());
  return packing;
}

Packing Packing::of_lengths(const std::vector<std::int64_t>& lengths, std::int64_t row_step) {
  Packing packing;
  for (const std::int64_t length : lengths)
    packing.add({.frames = static_cast<std::int32_t>(length)});
  packing.rows = (packing.used() + row_step - 1) / row_step * row_step;
  return packing;
}

}  // namespace muybridge
