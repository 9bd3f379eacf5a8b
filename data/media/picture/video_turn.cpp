#include "data/media/picture/video_turn.h"

#include <cstddef>
#include <cstring>

namespace muybridge {

void turn_rgb(const std::uint8_t* from, int height, int width, Orientation orientation,
              std::uint8_t* to) {
  const bool sideways = orientation.quarter_turns % 2 != 0;
  const std::ptrdiff_t line = std::ptrdiff_t{3} * (sideways ? height : width);
  const std::ptrdiff_t lines = sideways ? width : height;
  const std::ptrdiff_t right = line - 3;
  const std::ptrdiff_t bottom = (lines - 1) * line;
  // Where the first pixel goes, and how far it is from there to the next of its row and column.
  std::ptrdiff_t start = 0, along = 3, down = line;
  switch (orientation.quarter_turns) {
    case 1:
      start = right, along = line, down = -3;
      break;
    case 2:
      start = bottom + right, along = -3, down = -line;
      break;
    case 3:
      start = bottom, along = -line, down = 3;
      break;
    default:
      break;
  }
  if (orientation.mirror) {
    start += (width - 1) * along;
    along = -along;
  }
  for (int y = 0; y < height; ++y) {
    std::uint8_t* out = to + start + y * down;
    for (int x = 0; x < width; ++x, from += 3, out += along) std::memcpy(out, from, 3);
  }
}

}  // namespace muybridge
