#include "data/media/picture/video_geometry.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr std::array<std::string_view, 3> kResizeNames = {"native", "cover", "fit"};

struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

struct Size {
  int width = 0;
  int height = 0;
};

int round_down(double value, int multiple) {
  return std::max(static_cast<int>(value) / multiple, 1) * multiple;
}

// Of the four roundings of a size, the one inside the budget whose shape is nearest to the
// source's.
Size fit(double width, double height, const SizeOptions& options) {
  const double budget = static_cast<double>(options.width) * options.height;
  const double scale = std::min(1.0, std::sqrt(budget / (width * height)));
  const int m = options.multiple;
  const Size low{round_down(width * scale, m), round_down(height * scale, m)};
  Size best = low;
  double best_error = INFINITY;
  for (const int wider : {0, m}) {
    for (const int taller : {0, m}) {
      const Size size{low.width + wider, low.height + taller};
      if (static_cast<double>(size.width) * size.height > budget) continue;
      if (size.width > width + 0.5 || size.height > height + 0.5) continue;
      const double error = std::abs(std::log(size.width * height / (size.height * width)));
      if (error < best_error - 1e-9) best = size, best_error = error;
    }
  }
  return best;
}

Size result_size(double width, double height, const SizeOptions& options) {
  switch (options.resize) {
    case Resize::kCover:
      return {options.width, options.height};
    case Resize::kFit:
      return fit(width, height, options);
    case Resize::kNative:
      break;
  }
  return {round_down(std::floor(width + 0.5), options.multiple),
          round_down(std::floor(height + 0.5), options.multiple)};
}

// The largest centred part of `box` that has the shape of `size`; for kNative, of exactly its size.
Box centred(const Box& box, Size size, bool exact) {
  double width = size.width;
  double height = size.height;
  if (!exact || width > box.width || height > box.height) {
    const double scale = std::min(box.width / size.width, box.height / size.height);
    width *= scale;
    height *= scale;
  }
  return {box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height};
}

// From what a viewer sees back to the stored picture: undoes the turns, then the mirror.
Box to_stored(Box box, double seen_width, double seen_height, Orientation orientation) {
  for (int turn = 0; turn < orientation.quarter_turns; ++turn) {
    box = Box{box.y, seen_width - box.x - box.width, box.height, box.width};
    std::swap(seen_width, seen_height);
  }
  if (orientation.mirror) box.x = seen_width - box.x - box.width;
  return box;
}

}  // namespace

std::string_view name_of(Resize resize) { return kResizeNames[static_cast<std::size_t>(resize)]; }

std::optional<Resize> resize_named(std::string_view name) {
  const auto* found = std::find(kResizeNames.begin(), kResizeNames.end(), name);
  if (found == kResizeNames.end()) return std::nullopt;
  return static_cast<Resize>(found - kResizeNames.begin());
}

PicturePlan plan_picture(int stored_width, int stored_height, double pixel_aspect,
                         Orientation orientation, const SizeOptions& options) {
  const bool sideways = orientation.quarter_turns % 2 != 0;
  const double stretched = stored_width * pixel_aspect;
  const double seen_width = sideways ? stored_height : stretched;
  const double seen_height = sideways ? stretched : stored_height;

  Box seen{0, 0, seen_width, seen_height};
  if (options.crop) {
    const CropBox& crop = *options.crop;
    const double left = std::clamp<double>(crop.left, 0, seen_width);
    const double top = std::clamp<double>(crop.top, 0, seen_height);
    seen = {left, top, std::clamp<double>(crop.right, 0, seen_width) - left,
            std::clamp<double>(crop.bottom, 0, seen_height) - top};
    if (seen.width < 1 || seen.height < 1) {
      fail(ExitCode::kCorrupt, "crop {}..{} x {}..{} lies outside the picture of {:.0f}x{:.0f}",
           crop.left, crop.right, crop.top, crop.bottom, seen_width, seen_height);
    }
  }

  const Size size = result_size(seen.width, seen.height, options);
  seen = centred(seen, size, options.resize == Resize::kNative);
  const Box stored = to_stored(seen, seen_width, seen_height, orientation);

  PicturePlan plan;
  plan.crop_width =
      std::clamp(static_cast<int>(std::lround(stored.width / pixel_aspect)), 1, stored_width);
  plan.crop_height = std::clamp(static_cast<int>(std::lround(stored.height)), 1, stored_height);
  plan.crop_x = std::clamp(static_cast<int>(std::lround(stored.x / pixel_aspect)), 0,
                           stored_width - plan.crop_width);
  plan.crop_y =
      std::clamp(static_cast<int>(std::lround(stored.y)), 0, stored_height - plan.crop_height);
  plan.width = size.width;
  plan.height = size.height;
  plan.scaled_width = sideways ? size.height : size.width;
  plan.scaled_height = sideways ? size.width : size.height;
  return plan;
}

}  // namespace muybridge
