#pragma once

#include <optional>
#include <string_view>

namespace muybridge {

enum class Resize {
  kNative,  // the picture's own size, cropped to a multiple
  kCover,   // scaled until it covers width x height, the rest cut off evenly
  kFit,     // keeps the aspect ratio; at most width * height pixels; never enlarged
};
std::string_view name_of(Resize resize);
std::optional<Resize> resize_named(std::string_view name);

// A rectangle of the source picture, in pixels as a viewer sees it; the ends are exclusive.
struct CropBox {
  int left = 0;
  int right = 0;
  int top = 0;
  int bottom = 0;
  bool operator==(const CropBox&) const = default;
};

struct SizeOptions {
  Resize resize = Resize::kNative;
  int width = 0;     // kCover: of the result; kFit: width * height is the budget of pixels
  int height = 0;    //
  int multiple = 1;  // kNative, kFit: both sides of the result are multiples of it
  std::optional<CropBox> crop;
};

// How a stored picture must be turned to be seen: mirrored left to right if `mirror`, then turned
// clockwise by quarter turns.
struct Orientation {
  int quarter_turns = 0;
  bool mirror = false;
  bool operator==(const Orientation&) const = default;
};

// The part of a stored picture to read, and the size to give it. The result is turned afterwards:
// scaled_width x scaled_height are those before the turn, width x height those after it.
struct PicturePlan {
  int crop_x = 0;
  int crop_y = 0;
  int crop_width = 0;
  int crop_height = 0;
  int scaled_width = 0;
  int scaled_height = 0;
  int width = 0;
  int height = 0;
  bool operator==(const PicturePlan&) const = default;
};

// `pixel_aspect` is the width of a stored pixel over its height. Throws Error(kCorrupt) where
// nothing is left of the picture.
PicturePlan plan_picture(int stored_width, int stored_height, double pixel_aspect,
                         Orientation orientation, const SizeOptions& options);

}  // namespace muybridge
