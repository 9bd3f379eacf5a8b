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

CutFinder::CutFinder(const CutOptions& options) : options_(options) {}

int CutFinder::delay() const { return std::max(options_.neighbours, options_.flash - 1); }

void CutFinder::add(const FrameSketch& frame) {
  steps_.push_back(sketches_.empty() ? 0 : sketch_distance(sketches_.back(), frame));
  sketches_.push_back(frame);
  ++end_;
}

void CutFinder::end() { ended_ = true; }

std::optional<bool> CutFinder::next() {
  if (answered_ >= end_ || (!ended_ && answered_ + delay() >= end_)) return std::nullopt;
  const bool cut = is_cut(answered_);
  ++answered_;
  const std::int64_t oldest = answered_ - std::max(options_.neighbours, options_.flash) - 1;
  for (; first_ < oldest; ++first_) {
    sketches_.pop_front();
    steps_.pop_front();
  }
  return cut;
}

bool CutFinder::is_cut(std::int64_t frame) const {
  if (frame == 0) return false;
  const double here = steps_[static_cast<std::size_t>(frame - first_)];
  return here >= options_.threshold && here >= options_.contrast * mean_nearby(frame) &&
         lasts(frame);
}

// A flash comes back to what was before: the scenes on both sides of a cut differ for longer.
bool CutFinder::lasts(std::int64_t cut) const {
  const std::int64_t before = std::max<std::int64_t>(cut - options_.flash, 0);
  const std::int64_t after = std::min(cut + options_.flash - 1, end_ - 1);
  return distance(cut - 1, after) >= options_.threshold &&
         distance(before, cut) >= options_.threshold;
}

// The mean step of the frames around one, without its own.
double CutFinder::mean_nearby(std::int64_t frame) const {
  const std::int64_t begin = std::max<std::int64_t>(1, frame - options_.neighbours);
  const std::int64_t last = std::min(frame + options_.neighbours, end_ - 1);
  double sum = 0;
  for (std::int64_t i = begin; i <= last; ++i)
    if (i != frame) sum += steps_[static_cast<std::size_t>(i - first_)];
  return last > begin ? sum / static_cast<double>(last - begin) : 0;
}

double CutFinder::distance(std::int64_t a, std::int64_t b) const {
  return sketch_distance(sketches_[static_cast<std::size_t>(a - first_)],
                         sketches_[static_cast<std::size_t>(b - first_)]);
}

}  // namespace muybridge
