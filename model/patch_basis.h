#pragma once

#include <cstdint>
#include <vector>

#include "core/packing.h"

namespace muybridge {

// A patch embedding to start from, [width, patch.tokens() * channels], and its transpose for the
// head: the `width` smoothest of the patch's cosines (DCT-II over frames, rows, columns, channels;
// orthonormal), each weighted by 1 / (1 + 0.3 f^2) with f its half waves in the patch, then all
// scaled to a mean square weight of one. Pictures have most of their power at low frequencies and
// noise has it everywhere, so a model that starts so sees through the noise from its first step;
// one that starts at random has to learn that first. Rows past the patch's size are zero.
std::vector<float> smooth_patch_basis(const Grid& patch, std::int64_t channels, std::int64_t width);
std::vector<float> transposed(const std::vector<float>& matrix, std::int64_t rows);

}  // namespace muybridge
