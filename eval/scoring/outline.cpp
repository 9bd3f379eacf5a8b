#include "eval/scoring/outline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace muybridge {
namespace {

// Cover below the first counts as none, above the second as all: edges are where half is covered,
// however much H.264 and small pictures blur them.
constexpr double kNone = 0.25, kAll = 0.75;
constexpr double kLeastAgreement = 0.8;  // share of the sightings in which the template is best
constexpr double kMostGrowth = 0.25;     // spread of the sizes, of the median size
constexpr double kFinest = 0.1;          // pixels, of a fitted place

struct Template {
  std::string_view name;
  Shape2d shape;
};
constexpr std::array<Template, 3> kTemplates = {
    {{"circle", Shape2d::kCircle}, {"square", Shape2d::kSquare}, {"triangle", Shape2d::kTriangle}}};

// What the search for a place tries: the whole template moves or grows, or one of its sides moves.
struct Move {
  int x, y, radius;
};
constexpr std::array<Move, 14> kMoves = {{{-1, 0, 0},
                                          {1, 0, 0},
                                          {0, -1, 0},
                                          {0, 1, 0},
                                          {0, 0, -1},
                                          {0, 0, 1},
                                          {-1, 0, -1},
                                          {-1, 0, 1},
                                          {1, 0, -1},
                                          {1, 0, 1},
                                          {0, -1, -1},
                                          {0, -1, 1},
                                          {0, 1, -1},
                                          {0, 1, 1}}};

double sharpen(double cover) { return std::clamp((cover - kNone) / (kAll - kNone), 0.0, 1.0); }

double overlap_of(Shape2d shape, const Fit& at, const Patch& sharp) {
  double both = 0, either = 0;
  for (int row = 0; row < sharp.height; ++row) {
    for (int column = 0; column < sharp.width; ++column) {
      const double expected = sharpen(coverage(shape, sharp.left + column + 0.5 - at.x,
                                               sharp.top + row + 0.5 - at.y, at.radius));
      const double found = sharp.at(column, row);
      both += std::min(expected, found);
      either += std::max(expected, found);
    }
  }
  return either > 0 ? both / either : 0;
}

// From the box of the pixels that are covered by half.
Fit first_guess(const Patch& sharp) {
  int left = sharp.width, right = -1, top = sharp.height, bottom = -1;
  for (int row = 0; row < sharp.height; ++row) {
    for (int column = 0; column < sharp.width; ++column) {
      if (sharp.at(column, row) < 0.5F) continue;
      left = std::min(left, column);
      right = std::max(right, column);
      top = std::min(top, row);
      bottom = std::max(bottom, row);
    }
  }
  return {.x = sharp.left + 0.5 * (left + right + 1),
          .y = sharp.top + 0.5 * (top + bottom + 1),
          .radius = 0.25 * (right - left + bottom - top + 2)};
}

// Share `q` of the values is below the result.
double quantile(std::vector<double> values, double q) {
  const auto place = std::ptrdiff_t(std::lround(q * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[std::size_t(place)];
}

}  // namespace

Fit fit_shape(Shape2d shape, const Patch& patch) {
  Patch sharp = patch;
  for (float& cover : sharp.cover) cover = static_cast<float>(sharpen(cover));
  Fit best = first_guess(sharp);
  best.overlap = overlap_of(shape, best, sharp);
  for (double step = best.radius / 8; step >= kFinest;) {
    const double before = best.overlap;
    for (const Move& move : kMoves) {
      Fit next = best;
      next.x += step * move.x;
      next.y += step * move.y;
      next.radius += step * move.radius;
      if (next.radius < 1) continue;
      next.overlap = overlap_of(shape, next, sharp);
      if (next.overlap > best.overlap) best = next;
    }
    if (best.overlap == before) step /= 2;
  }
  return best;
}

std::string shape_of(const Track& track) {
  std::array<double, kTemplates.size()> overlaps{}, wins{};
  std::array<std::vector<double>, kTemplates.size()> sizes;
  const auto count = static_cast<double>(track.size());
  for (const Sighting& seen : track) {
    std::array<double, kTemplates.size()> here{};
    for (std::size_t k = 0; k < kTemplates.size(); ++k) {
      const Fit fit = fit_shape(kTemplates[k].shape, seen.patch);
      here[k] = fit.overlap;
      overlaps[k] += fit.overlap / count;
      sizes[k].push_back(fit.radius);
    }
    ++wins[std::size_t(std::max_element(here.begin(), here.end()) - here.begin())];
  }
  const auto best =
      std::size_t(std::max_element(overlaps.begin(), overlaps.end()) - overlaps.begin());
  double second = 0;
  for (std::size_t k = 0; k < kTemplates.size(); ++k)
    if (k != best) second = std::max(second, overlaps[k]);
  const double spread = quantile(sizes[best], 0.9) - quantile(sizes[best], 0.1);
  const bool clear = overlaps[best] >= least_overlap(kTemplates[best].shape) &&
                     overlaps[best] - second >= kLeastMargin &&
                     wins[best] >= kLeastAgreement * count &&
                     spread <= kMostGrowth * quantile(sizes[best], 0.5);
  return clear ? std::string(kTemplates[best].name) : "";
}

}  // namespace muybridge
