#include "eval/segment.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

constexpr double kClear = 0.25, kFull = 0.75;  // cover beyond which noise does not count
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

}  // namespace

Rgb median_color(const Frames& frames) { return median_of_rows(frames, 0, frames.height); }

std::vector<Rgb> median_rows(const Frames& frames) {
  std::vector<Rgb> rows;
  rows.reserve(std::size_t(frames.height));
  for (int y = 0; y < frames.height; ++y) rows.push_back(median_of_rows(frames, y, y + 1));
  return rows;
}

std::size_t Mask::area() const {
  return static_cast<std::size_t>(std::count(pixels.begin(), pixels.end(), std::uint8_t{1}));
}

Mask largest_part(const Mask& mask) {
  std::vector<std::uint8_t> left = mask.pixels;
  std::vector<int> best, part;
  for (int start = 0; start < static_cast<int>(left.size()); ++start) {
    if (!left[static_cast<std::size_t>(start)]) continue;
    part.assign(1, start);
    left[static_cast<std::size_t>(start)] = 0;
    const auto visit = [&](int pixel) {
      if (!left[static_cast<std::size_t>(pixel)]) return;
      left[static_cast<std::size_t>(pixel)] = 0;
      part.push_back(pixel);
    };
    for (std::size_t next = 0; next < part.size(); ++next) {
      const int pixel = part[next], x = pixel % mask.width, y = pixel / mask.width;
      if (x > 0) visit(pixel - 1);
      if (x + 1 < mask.width) visit(pixel + 1);
      if (y > 0) visit(pixel - mask.width);
      if (y + 1 < mask.height) visit(pixel + mask.width);
    }
    if (part.size() > best.size()) best = part;
  }
  Mask result{mask.height, mask.width, std::vector<std::uint8_t>(mask.pixels.size(), 0)};
  for (const int pixel : best) result.pixels[static_cast<std::size_t>(pixel)] = 1;
  return result;
}

std::vector<float> difference(const Frames& frames, int index, const std::vector<Rgb>& rows) {
  std::vector<float> result;
  result.reserve(std::size_t(frames.width) * frames.height);
  const std::uint8_t* pixel = frames.frame(index);
  for (int y = 0; y < frames.height; ++y) {
    const Rgb& ground = rows[rows.size() == 1 ? 0 : static_cast<std::size_t>(y)];
    for (int x = 0; x < frames.width; ++x, pixel += 3) {
      double largest = 0;
      for (std::size_t c = 0; c < 3; ++c) {
        largest = std::max(largest, std::abs(pixel[c] - ground[c]));
      }
      result.push_back(static_cast<float>(largest));
    }
  }
  return result;
}

float peak_of(const std::vector<float>& values) {
  std::vector<float> copy = values;
  const std::size_t rank = std::max<std::size_t>(1, copy.size() / 100) - 1;
  std::nth_element(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(rank), copy.end(),
                   std::greater<>());
  return copy[rank];
}

Sighting sight(const Mask& mask, const std::vector<float>& cover, int frame) {
  const auto inside = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < mask.width && y < mask.height &&
           mask.pixels[std::size_t(y) * mask.width + x] != 0;
  };
  std::vector<double> rows(std::size_t(mask.height)), columns(std::size_t(mask.width));
  double area = 0, sum_x = 0, sum_y = 0, count = 0;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (inside(x, y)) {
        sum_x += x;
        sum_y += y;
        ++count;
      } else if (!inside(x - 1, y) && !inside(x + 1, y) && !inside(x, y - 1) && !inside(x, y + 1)) {
        continue;
      }
      const double raw = cover[std::size_t(y) * mask.width + x];
      const double share = std::clamp((raw - kClear) / (kFull - kClear), 0.0, 1.0);
      area += share;
      rows[std::size_t(y)] = std::max(rows[std::size_t(y)], share);
      columns[std::size_t(x)] = std::max(columns[std::size_t(x)], share);
    }
  }
  const double height = std::accumulate(rows.begin(), rows.end(), 0.0);
  const double width = std::accumulate(columns.begin(), columns.end(), 0.0);
  return {.frame = frame, .x = sum_x / count, .y = sum_y / count, .fill = area / (width * height)};
}

Velocity velocity_of(const std::vector<Sighting>& sightings) {
  double t = 0, x = 0, y = 0, tt = 0, tx = 0, ty = 0;
  const auto n = static_cast<double>(sightings.size());
  for (const Sighting& s : sightings) {
    t += s.frame / n;
    x += s.x / n;
    y += s.y / n;
  }
  for (const Sighting& s : sightings) {
    tt += (s.frame - t) * (s.frame - t);
    tx += (s.frame - t) * (s.x - x);
    ty += (s.frame - t) * (s.y - y);
  }
  return tt > 0 ? Velocity{tx / tt, ty / tt} : Velocity{};
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
