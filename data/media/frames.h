#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace muybridge {

// Decoded pictures of one clip: rgb is [count, height, width, 3], 8 bits a channel.
struct Frames {
  int count = 0;
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> rgb;

  std::size_t frame_bytes() const { return std::size_t{3} * height * width; }
  const std::uint8_t* frame(int index) const { return rgb.data() + frame_bytes() * index; }
  std::uint8_t* frame(int index) { return rgb.data() + frame_bytes() * index; }
};

}  // namespace muybridge
