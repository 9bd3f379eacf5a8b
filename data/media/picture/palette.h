#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/media/frames.h"

namespace muybridge {

// At most 256 colours that stand for all of a clip's.
class Palette {
 public:
  // Median cut (Heckbert 1982) of the colours of all frames, told apart by 5 bits a channel; each
  // is the mean of what it stands for.
  explicit Palette(const Frames& frames);

  using Color = std::array<std::uint8_t, 3>;
  const std::vector<Color>& colors() const { return colors_; }
  // The nearest colour's place.
  std::uint8_t place(const std::uint8_t* rgb) const { return places_[cell(rgb)]; }

 private:
  static std::size_t cell(const std::uint8_t* rgb) {
    return std::size_t{rgb[0]} >> 3 << 10 | std::size_t{rgb[1]} >> 3 << 5 | rgb[2] >> 3;
  }

  std::vector<Color> colors_;
  std::vector<std::uint8_t> places_;  // of each of the 2^15 cells that a frame uses
};

}  // namespace muybridge
