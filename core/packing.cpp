#include "core/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace muybridge {

void Packing::add(const Grid& grid) {
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

Packing Packing::of_lengths(const std::vector<std::int64_t>& lengths) {
  Packing packing;
  for (const std::int64_t length : lengths)
    packing.add({.frames = static_cast<std::int32_t>(length)});
  return packing;
}

}  // namespace muybridge
