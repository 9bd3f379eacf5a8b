#pragma once

#include <filesystem>
#include <string>

#include "data/media/frames.h"

namespace muybridge {

struct VideoOptions {
  double fps = 8.0;
  int crf = 14;         // quality: 0 best .. 51 worst, the scale of H.264
  int upscale = 1;      // each pixel becomes a square of this side: small clips stay crisp
  std::string comment;  // provenance, kept in the file's metadata
  std::string encoder;  // name of a libav encoder; empty: the best that this machine has
};

// Writes an MP4 that browsers play (H.264, yuv420p, the index in front). The same frames and
// options give the same bytes. The file appears under its name only when it is complete. An odd
// width or height gets its last column or row twice, because yuv420p has no odd sizes.
// Throws Error: kUsage for frames or options that make no video, kIo when writing fails.
void write_video(const std::filesystem::path& path, const Frames& frames,
                 const VideoOptions& options = {});

// The encoder that write_video chooses by itself: "libx264", else "libopenh264", else "mpeg4";
// empty if libav has none of them.
std::string default_video_encoder();

}  // namespace muybridge
