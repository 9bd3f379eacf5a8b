#pragma once

#include <string>

#include "data/media/frames.h"

namespace muybridge {

// Encoded in memory; the same frames give the same bytes. Each pixel becomes a square of `upscale`.
// Throw Error(kUsage) for frames that make no picture.

// A GIF that plays forever, with one palette for all of the clip (data/media/picture/palette.h).
// The format counts hundredths of a second, and browsers take less than two of them for ten: above
// 50 frames a second some are left out, so that the speed stays.
std::string encode_gif(const Frames& frames, double fps, int upscale = 1);

// One frame as a PNG of 8 bits a channel, without loss.
std::string encode_png(const Frames& frames, int index, int upscale = 1);

}  // namespace muybridge
