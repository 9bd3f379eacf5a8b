#pragma once

#include <cstdint>
#include <vector>

namespace muybridge {

// The shape of a video autoencoder of Wan2.1's kind. The defaults are Wan2.1's own.
struct AutoencoderOptions {
  std::int64_t channels = 3;          // of pixels
  std::int64_t latent_channels = 16;  // z
  std::int64_t width = 96;            // channels at full size
  // Of each level, in widths. From each level to the next frames are half as high and wide.
  std::vector<std::int64_t> multiples{1, 2, 4, 4};
  // Whether the step from a level to the next halves the number of frames, too.
  std::vector<bool> halves_frames{false, true, true};
  std::int64_t blocks = 2;  // residual ones of each level

  // Pixels along a side, and frames, that a latent stands for.
  std::int64_t side_factor() const { return std::int64_t{1} << halves_frames.size(); }
  std::int64_t frame_factor() const {
    std::int64_t factor = 1;
    for (const bool halves : halves_frames) factor *= halves ? 2 : 1;
    return factor;
  }
};

// Throws std::invalid_argument where options do not fit each other.
void require_valid(const AutoencoderOptions& options);

}  // namespace muybridge
