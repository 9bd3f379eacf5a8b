#include "eval/scoring/things.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace muybridge {
namespace {

// Shares are of the square over the frame's shorter side.
constexpr float kHalf = 0.5F;             // cover from which a pixel belongs to a thing
constexpr float kWhole = 0.8F;            // and from which it shows the thing's colour
constexpr double kSmallest = 0.012;       // of a thing: half of the smallest of the corpora
constexpr double kLargest = 0.25;         // of a thing: the largest of the corpora has 0.194
constexpr double kWidest = 0.5;           // of a thing, of the shorter side; the corpora have 0.44
constexpr float kContrast = 40;           // levels from the ground of what must not be there,
constexpr double kSmallestExtra = 0.004;  // and its size
constexpr int kReach = 2;                 // pixels around a thing that its blurred edge may take
constexpr double kLeastFrames = 0.9;      // share of the frames, and of the sightings, that agree

double square_of(const Frames& frames) {
  const double side = std::min(frames.width, frames.height);
  return side * side;
}

struct Box {
  int left, right, top, bottom;  // ends included
};

Box box_of(const Part& part, int width) {
  Box box{width, -1, static_cast<int>(1e9), -1};
  for (const int pixel : part) {
    box.left = std::min(box.left, pixel % width);
    box.right = std::max(box.right, pixel % width);
    box.top = std::min(box.top, pixel / width);
    box.bottom = std::max(box.bottom, pixel / width);
  }
  return box;
}

bool plausible(const Part& part, const Frames& frames) {
  const double share = static_cast<double>(part.size()) / square_of(frames);
  const Box box = box_of(part, frames.width);
  const int widest = std::max(box.right - box.left, box.bottom - box.top) + 1;
  return share >= kSmallest && share <= kLargest &&
         widest <= kWidest * std::min(frames.width, frames.height) + 1;
}

// For each pixel the nearest of the parts that is at most kReach away, in steps along rows, columns
// and diagonals; -1 if none is.
std::vector<int> owners_of(const std::vector<Part>& parts, const Frames& frames) {
  const std::size_t pixels = std::size_t(frames.width) * frames.height;
  std::vector<int> owners(pixels, -1), away(pixels, kReach + 1);
  for (std::size_t index = 0; index < parts.size(); ++index) {
    for (const int pixel : parts[index]) {
      const int column = pixel % frames.width, row = pixel / frames.width;
      for (int y = std::max(0, row - kReach); y <= std::min(frames.height - 1, row + kReach); ++y) {
        for (int x = std::max(0, column - kReach); x <= std::min(frames.width - 1, column + kReach);
             ++x) {
          const std::size_t near = std::size_t(y) * frames.width + x;
          const int steps = std::max(std::abs(x - column), std::abs(y - row));
          if (steps >= away[near]) continue;
          away[near] = steps;
          owners[near] = static_cast<int>(index);
        }
      }
    }
  }
  return owners;
}

// Whether something that is no part of the things stands out from the ground: it is away from them,
// or it covers whole pixels among theirs with another colour.
bool something_else(const Frames& frames, int index, const Ground& ground, const Explanation& seen,
                    const std::vector<Part>& things, const std::vector<int>& owners) {
  const std::vector<float> away = difference(frames, index, ground);
  std::vector<int> extra(away.size(), -1);
  for (std::size_t i = 0; i < away.size(); ++i) {
    const bool outside = owners[i] < 0 && away[i] >= kContrast;
    const bool inside =
        owners[i] >= 0 && seen.cover[i] >= kWhole &&
        seen.color[i] != seen.color[std::size_t(things[std::size_t(owners[i])].front())];
    if (outside || inside) extra[i] = 0;
  }
  const std::vector<Part> parts = connected_parts(extra, frames.width);
  return !parts.empty() &&
         static_cast<double>(parts.front().size()) >= kSmallestExtra * square_of(frames);
}

Rgb mean_color(const Part& part, const Frames& frames, int index, const std::vector<float>& cover) {
  Rgb color{};
  double pixels = 0;
  for (const float least : {kWhole, 0.0F}) {
    for (const int pixel : part) {
      if (cover[std::size_t(pixel)] < least) continue;
      for (std::size_t c = 0; c < 3; ++c)
        color[c] += frames.frame(index)[std::size_t{3} * pixel + c];
      ++pixels;
    }
    if (pixels > 0) break;
  }
  for (double& level : color) level /= pixels;
  return color;
}

// Brightness and two differences of color (BT.709), of which video keeps every second in each row
// and column only: brightness counts double, so that edges are where they are.
std::array<double, 3> brightness_first(const std::array<double, 3>& rgb) {
  const double y = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
  return {2 * y, (rgb[2] - y) / 1.8556, (rgb[0] - y) / 1.5748};
}

// The share of a pixel that the color covers if the rest of it is ground.
double edge_cover(const std::uint8_t* pixel, const Rgb& color, const Rgb& ground) {
  const auto away =
      brightness_first({pixel[0] - ground[0], pixel[1] - ground[1], pixel[2] - ground[2]});
  const auto way =
      brightness_first({color[0] - ground[0], color[1] - ground[1], color[2] - ground[2]});
  double along = 0, length = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    along += away[c] * way[c];
    length += way[c] * way[c];
  }
  return std::clamp(along / std::max(length, 1.0), 0.0, 1.0);
}

Sighting sight(const Part& part, int thing, const std::vector<int>& owners, const Frames& frames,
               int index, const Ground& ground, const std::vector<float>& cover) {
  Sighting result;
  result.frame = index;
  result.color = mean_color(part, frames, index, cover);
  const Box box = box_of(part, frames.width);
  Patch& patch = result.patch;
  patch.left = std::max(0, box.left - kReach);
  patch.top = std::max(0, box.top - kReach);
  patch.width = std::min(frames.width - 1, box.right + kReach) - patch.left + 1;
  patch.height = std::min(frames.height - 1, box.bottom + kReach) - patch.top + 1;
  double sum = 0;
  for (int row = patch.top; row < patch.top + patch.height; ++row) {
    for (int column = patch.left; column < patch.left + patch.width; ++column) {
      const std::size_t pixel = std::size_t(row) * frames.width + column;
      const double share =
          owners[pixel] != thing
              ? 0.0
              : edge_cover(frames.frame(index) + 3 * pixel, result.color, ground_at(ground, row));
      patch.cover.push_back(static_cast<float>(share));
      sum += share;
      result.x += share * (column + 0.5);
      result.y += share * (row + 0.5);
    }
  }
  result.x /= sum;
  result.y /= sum;
  return result;
}

// The things of one frame; empty if it does not show exactly `count` and nothing else.
std::vector<Sighting> see_things(const Frames& frames, int index, const Ground& ground,
                                 std::size_t count) {
  const Explanation seen = explain(frames, index, ground);
  std::vector<int> labels = seen.color;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (seen.cover[i] < kHalf) labels[i] = -1;
  std::vector<Part> parts = connected_parts(labels, frames.width);
  if (parts.size() < count) return {};
  parts.resize(count);
  for (const Part& part : parts)
    if (!plausible(part, frames)) return {};
  const std::vector<int> owners = owners_of(parts, frames);
  if (something_else(frames, index, ground, seen, parts, owners)) return {};
  std::vector<Sighting> things;
  for (std::size_t i = 0; i < count; ++i)
    things.push_back(
        sight(parts[i], static_cast<int>(i), owners, frames, index, ground, seen.cover));
  return things;
}

double distance(const Sighting& a, const Sighting& b) { return std::hypot(a.x - b.x, a.y - b.y); }

// Adds each thing to the track that it is nearest to, all together.
void extend(std::vector<Track>& tracks, std::vector<Sighting> things) {
  if (things.size() == 2 && !tracks[0].empty()) {
    const Sighting &a = tracks[0].back(), &b = tracks[1].back();
    if (distance(a, things[1]) + distance(b, things[0]) <
        distance(a, things[0]) + distance(b, things[1]))
      std::swap(things[0], things[1]);
  }
  for (std::size_t i = 0; i < things.size(); ++i) tracks[i].push_back(std::move(things[i]));
}

}  // namespace

std::optional<std::vector<Track>> track_things(const Frames& frames, const Ground& ground,
                                               std::size_t count) {
  std::vector<Track> tracks(count);
  for (int index = 0; index < frames.count; ++index) {
    std::vector<Sighting> things = see_things(frames, index, ground, count);
    if (!things.empty()) extend(tracks, std::move(things));
  }
  const auto seen = static_cast<double>(tracks.front().size());
  if (seen < 2 || seen < kLeastFrames * frames.count) return std::nullopt;
  return tracks;
}

std::string color_of(const Track& track) {
  std::map<std::string, double> counts;
  for (const Sighting& seen : track) ++counts[nearest_color(seen.color)];
  for (const auto& [name, count] : counts)
    if (count >= kLeastFrames * static_cast<double>(track.size())) return name;
  return "";
}

}  // namespace muybridge
