#include "data/media/scene_cut.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace muybridge {
namespace {

constexpr int kSamplesPerCell = 6;  // along each axis

int bin_of(int value, int low, int high) {
  const int bin = (value - low) * FrameSketch::kBins / (high - low + 1);
  return std::clamp(bin, 0, FrameSketch::kBins - 1);
}

}  // namespace

FrameSketch sketch_frame(const std::uint8_t* rgb, int height, int width) {
  const int columns = std::min(width, FrameSketch::kColumns * kSamplesPerCell);
  const int rows = std::min(height, FrameSketch::kRows * kSamplesPerCell);
  std::array<int, FrameSketch::kColumns * FrameSketch::kRows> sums{};
  std::array<int, FrameSketch::kColumns * FrameSketch::kRows> counts{};
  std::array<int, 3 * FrameSketch::kBins> bins{};
  for (int row = 0; row < rows; ++row) {
    const int y = static_cast<int>((2LL * row + 1) * height / (2LL * rows));
    const std::uint8_t* line =
        rgb + std::size_t{3} * static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    for (int column = 0; column < columns; ++column) {
      const std::uint8_t* pixel = line + 3 * ((2LL * column + 1) * width / (2LL * columns));
      const int luma = (77 * pixel[0] + 150 * pixel[1] + 29 * pixel[2]) >> 8;
      const int cell = row * FrameSketch::kRows / rows * FrameSketch::kColumns +
                       column * FrameSketch::kColumns / columns;
      sums[static_cast<std::size_t>(cell)] += luma;
      ++counts[static_cast<std::size_t>(cell)];
      ++bins[static_cast<std::size_t>(bin_of(luma, 0, 255))];
      ++bins[std::size_t{FrameSketch::kBins} +
             static_cast<std::size_t>(bin_of(pixel[0] - luma, -180, 180))];
      ++bins[std::size_t{2 * FrameSketch::kBins} +
             static_cast<std::size_t>(bin_of(pixel[2] - luma, -230, 230))];
    }
  }
  FrameSketch sketch;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (counts[i] > 0) sketch.luma[i] = static_cast<std::uint8_t>(sums[i] / counts[i]);
  }
  const float share = 1.0F / static_cast<float>(std::max(rows * columns, 1));
  for (std::size_t i = 0; i < bins.size(); ++i) {
    sketch.histogram[i] = static_cast<float>(bins[i]) * share;
  }
  return sketch;
}

double sketch_distance(const FrameSketch& a, const FrameSketch& b) {
  double pixels = 0;
  for (std::size_t i = 0; i < a.luma.size(); ++i) pixels += std::abs(a.luma[i] - b.luma[i]);
  pixels /= 255.0 * static_cast<double>(a.luma.size());
  double histogram = 0;
  for (std::size_t i = 0; i < a.histogram.size(); ++i) {
    histogram += std::abs(static_cast<double>(a.histogram[i]) - b.histogram[i]);
  }
  histogram /= 6;  // three histograms, each differs by 2 at most
  // Brightness seldom changes by more than a third of its range across a whole picture.
  return 0.5 * std::min(1.0, 3 * pixels) + 0.5 * histogram;
}

namespace {

// A flash comes back to what was before: the scenes on both sides of a cut differ for longer.
bool lasts(const std::vector<FrameSketch>& frames, int cut, const CutOptions& options) {
  const int before = std::max(cut - options.shortest, 0);
  const int after = std::min(cut + options.shortest - 1, static_cast<int>(frames.size()) - 1);
  const auto far_apart = [&](int a, int b) {
    return sketch_distance(frames[static_cast<std::size_t>(a)],
                           frames[static_cast<std::size_t>(b)]) >= options.threshold;
  };
  return far_apart(cut - 1, after) && far_apart(before, cut);
}

// The mean distance of the frames around one, without its own.
double mean_nearby(const std::vector<double>& distance, int at, int neighbours) {
  double sum = 0;
  int count = 0;
  const int last = std::min(static_cast<int>(distance.size()) - 1, at + neighbours);
  for (int i = std::max(1, at - neighbours); i <= last; ++i) {
    if (i == at) continue;
    sum += distance[static_cast<std::size_t>(i)];
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

std::vector<int> find_cuts(const std::vector<FrameSketch>& frames, const CutOptions& options) {
  std::vector<double> distance(frames.size(), 0);  // to the frame before
  for (std::size_t i = 1; i < frames.size(); ++i) {
    distance[i] = sketch_distance(frames[i - 1], frames[i]);
  }
  std::vector<int> cuts;
  int scene = 0;
  for (int i = 1; i < static_cast<int>(frames.size()); ++i) {
    const double here = distance[static_cast<std::size_t>(i)];
    if (here < options.threshold || i - scene < options.shortest) continue;
    if (here < options.contrast * mean_nearby(distance, i, options.neighbours)) continue;
    if (!lasts(frames, i, options)) continue;
    cuts.push_back(i);
    scene = i;
  }
  return cuts;
}

}  // namespace muybridge
