#include "data/synthetic/synthetic_canvas.h"

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

// Length of [v - 0.5, v + 0.5] inside [-radius, radius].
double overlap(double v, double radius) {
  return std::clamp(std::min(v + 0.5, radius) - std::max(v - 0.5, -radius), 0.0, 1.0);
}

}  // namespace

double coverage(Shape2d shape, double x, double y, double radius) {
  switch (shape) {
    case Shape2d::kCircle:
      return std::clamp(0.5 - (std::hypot(x, y) - radius), 0.0, 1.0);
    case Shape2d::kSquare:
      return overlap(x, radius) * overlap(y, radius);
    case Shape2d::kTriangle: {  // the apex up, base and height equal
      const double side = (2.0 * std::abs(x) - (y + radius)) / std::sqrt(5.0);
      return std::clamp(0.5 - side, 0.0, 1.0) * overlap(y, radius);
    }
  }
  return 0.0;
}

Canvas::Canvas(int width, int height, double level)
    : width_(width), height_(height), rgb_(std::size_t{3} * width * height, level) {}

void Canvas::fill_below(double y, double level) {
  for (int row = std::max(0, static_cast<int>(y)); row < height_; ++row) {
    const double share = std::clamp(row + 1 - y, 0.0, 1.0);
    double* pixel = &rgb_[std::size_t{3} * width_ * row];
    for (int i = 0; i < 3 * width_; ++i) pixel[i] += (level - pixel[i]) * share;
  }
}

void Canvas::draw(Shape2d shape, double x, double y, double radius, const NamedColor& color) {
  const int left = std::max(0, static_cast<int>(std::floor(x - radius - 1)));
  const int right = std::min(width_ - 1, static_cast<int>(std::ceil(x + radius + 1)));
  const int top = std::max(0, static_cast<int>(std::floor(y - radius - 1)));
  const int bottom = std::min(height_ - 1, static_cast<int>(std::ceil(y + radius + 1)));
  for (int row = top; row <= bottom; ++row) {
    for (int column = left; column <= right; ++column) {
      const double share = coverage(shape, column + 0.5 - x, row + 0.5 - y, radius);
      double* pixel = &rgb_[std::size_t{3} * (std::size_t(width_) * row + column)];
      for (int c = 0; c < 3; ++c) pixel[c] += (color.rgb[c] - pixel[c]) * share;
    }
  }
}

void Canvas::store(Frames& frames, int index) const {
  std::transform(rgb_.begin(), rgb_.end(), frames.frame(index), [](double value) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  });
}

Frames empty_frames(const SyntheticOptions& options) {
  Frames frames{.count = options.frames, .height = options.height, .width = options.width, .rgb{}};
  frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(options.frames));
  return frames;
}

}  // namespace muybridge
