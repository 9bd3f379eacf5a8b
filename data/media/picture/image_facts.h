#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "data/media/picture/video_geometry.h"

namespace muybridge {

// Fills `bytes` bytes from `offset` on; false if the file has fewer.
using ReadAt = std::function<bool(std::uint64_t offset, void* out, std::size_t bytes)>;

// What libav does not say of a still image.
struct ImageFacts {
  // How it must be turned to be seen: EXIF of PNG (chunk eXIf), WebP (chunk EXIF) and TIFF, `irot`
  // and `imir` of AVIF. That of JPEG comes with the decoded picture.
  Orientation orientation;
  // AVIF, and GIF and APNG that hold one picture: no video, though their containers could hold one.
  bool one_picture = false;
  bool premultiplied = false;  // TIFF: its colours are multiplied by its alpha
  std::string unreadable;      // why libav decodes it wrong, or not at all; else empty
};

// Nothing is said of other files, and of what is nonsense. Reads a bounded number of times, never
// throws of itself.
ImageFacts image_facts(const ReadAt& read);

// Of the values 1 .. 8 of EXIF's tag 274; straight for any other.
Orientation exif_orientation(unsigned value);

}  // namespace muybridge
