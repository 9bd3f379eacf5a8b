#pragma once

#include <cstdint>
#include <vector>

namespace muybridge {

// The size of a clip in patches.
struct Grid {
  std::int32_t frames = 1;
  std::int32_t height = 1;
  std::int32_t width = 1;

  std::int64_t tokens() const { return std::int64_t{frames} * height * width; }
  bool operator==(const Grid&) const = default;
};

// Where each clip lies in a row of packed tokens: clip c holds tokens [offsets[c], offsets[c+1]),
// in raster order (frame, row, column) of its grid. Rows from offsets.back() up to `rows` are slack
// that belongs to no clip: ops leave them zero.
struct Packing {
  std::vector<std::int32_t> offsets{0};
  std::vector<Grid> grids;
  std::int64_t rows = 0;

  int clips() const { return static_cast<int>(grids.size()); }
  std::int64_t used() const { return offsets.back(); }
  std::int64_t length(int clip) const { return offsets[clip + 1] - offsets[clip]; }
  // Throws std::invalid_argument for a negative size, or where offsets would pass 2^31 - 1.
  void add(const Grid& grid);

  // `rows` is at least the clips' tokens; 0 means no slack.
  static Packing of(const std::vector<Grid>& grids, std::int64_t rows = 0);
  // A packing of plain sequences, as of text: grids are (length, 1, 1). `rows` becomes a multiple
  // of `row_step`, so that batches of many lengths have few shapes.
  static Packing of_lengths(const std::vector<std::int64_t>& lengths, std::int64_t row_step = 1);
};

}  // namespace muybridge
