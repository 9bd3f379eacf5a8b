#include "eval/scoring/segment.h"

#include <algorithm>
#include <cmath>

#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

constexpr double kFarthestColor = 120;  // levels, Euclidean: half the way between two of kColors

// Median of a channel over rows [first, last) of all frames.
double median_level(const Frames& frames, int first, int last, int channel) {
  std::array<std::size_t, 256> counts{};
  std::size_t total = 0;
  for (int t = 0; t < frames.count; ++t) {
    const std::uint8_t* begin = frames.frame(t) + std::size_t{3} * frames.width * first;
    const std::uint8_t* end = frames.frame(t) + std::size_t{3} * frames.width * last;
    for (const std::uint8_t* pixel = begin; pixel != end; pixel += 3) ++counts[pixel[channel]];
    total += static_cast<std::size_t>(end - begin) / 3;
  }
  std::size_t below = 0;
  int level = 0;
  while (level < 255 && (below += counts[static_cast<std::size_t>(level)]) * 2 < total) ++level;
  return level;
}

Rgb median_of_rows(const Frames& frames, int first, int last) {
  return {median_level(frames, first, last, 0), median_level(frames, first, last, 1),
          median_level(frames, first, last, 2)};
}

Rgb rgb_of(const NamedColor& color) {
  return {double(color.rgb[0]), double(color.rgb[1]), double(color.rgb[2])};
}

// The share of a pixel that the colour covers if the rest of it is ground; 0 to 1.
double cover_of(const std::uint8_t* pixel, const Rgb& color, const Rgb& ground) {
  double along = 0, length = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double way = color[c] - ground[c];
    along += (pixel[c] - ground[c]) * way;
    length += way * way;
  }
  return std::clamp(along / std::max(length, 1.0), 0.0, 1.0);
}

// Squared distance of a pixel from `cover` of the colour over the ground.
double error_of(const std::uint8_t* pixel, const Rgb& color, const Rgb& ground, double cover) {
  double error = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double missing = pixel[c] - ground[c] - cover * (color[c] - ground[c]);
    error += missing * missing;
  }
  return error;
}

}  // namespace

Ground plain_ground(const Frames& frames) { return {median_of_rows(frames, 0, frames.height)}; }

Ground ground_by_rows(const Frames& frames) {
  Ground ground;
  ground.reserve(std::size_t(frames.height));
  for (int y = 0; y < frames.height; ++y) ground.push_back(median_of_rows(frames, y, y + 1));
  return ground;
}

std::vector<float> difference(const Frames& frames, int index, const Ground& ground) {
  std::vector<float> result;
  result.reserve(std::size_t(frames.width) * frames.height);
  const std::uint8_t* pixel = frames.frame(index);
  for (int y = 0; y < frames.height; ++y) {
    const Rgb& behind = ground_at(ground, y);
    for (int x = 0; x < frames.width; ++x, pixel += 3) {
      double largest = 0;
      for (std::size_t c = 0; c < 3; ++c)
        largest = std::max(largest, std::abs(pixel[c] - behind[c]));
      result.push_back(static_cast<float>(largest));
    }
  }
  return result;
}

Explanation explain(const Frames& frames, int index, const Ground& ground) {
  const std::size_t pixels = std::size_t(frames.width) * frames.height;
  Explanation result{std::vector<int>(pixels), std::vector<float>(pixels)};
  std::vector<Rgb> colors;
  colors.reserve(kColors.size());
  for (const NamedColor& color : kColors) colors.push_back(rgb_of(color));
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t* pixel = frames.frame(index) + 3 * i;
    const Rgb& behind = ground_at(ground, static_cast<int>(i) / frames.width);
    double best = 1e30;
    for (std::size_t k = 0; k < colors.size(); ++k) {
      const double cover = cover_of(pixel, colors[k], behind);
      const double error = error_of(pixel, colors[k], behind, cover);
      if (error >= best) continue;
      best = error;
      result.color[i] = static_cast<int>(k);
      result.cover[i] = static_cast<float>(cover);
    }
  }
  return result;
}

std::vector<Part> connected_parts(const std::vector<int>& labels, int width) {
  std::vector<int> left = labels;
  std::vector<Part> parts;
  const int pixels = static_cast<int>(labels.size());
  for (int start = 0; start < pixels; ++start) {
    const int label = left[std::size_t(start)];
    if (label < 0) continue;
    Part part;
    const auto visit = [&](int pixel) {
      if (left[std::size_t(pixel)] != label) return;
      left[std::size_t(pixel)] = -1;
      part.push_back(pixel);
    };
    visit(start);
    for (std::size_t next = 0; next < part.size(); ++next) {
      const int pixel = part[next], x = pixel % width;
      if (x > 0) visit(pixel - 1);
      if (x + 1 < width) visit(pixel + 1);
      if (pixel >= width) visit(pixel - width);
      if (pixel + width < pixels) visit(pixel + width);
    }
    parts.push_back(std::move(part));
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.size() > b.size(); });
  return parts;
}

std::string nearest_color(const Rgb& color) {
  double best = kFarthestColor;
  std::string name;
  for (const NamedColor& known : kColors) {
    const double away =
        std::hypot(color[0] - known.rgb[0], color[1] - known.rgb[1], color[2] - known.rgb[2]);
    if (away < best) {
      best = away;
      name = known.name;
    }
  }
  return name;
}

}  // namespace muybridge
