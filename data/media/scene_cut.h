#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace muybridge {

// A frame made small: mean brightness of the cells of a grid, and how often each brightness and
// colour occurs.
struct FrameSketch {
  static constexpr int kColumns = 16;
  static constexpr int kRows = 12;
  static constexpr int kBins = 16;  // of brightness, then of two colour differences

  std::array<std::uint8_t, kColumns * kRows> luma{};
  std::array<float, 3 * kBins> histogram{};  // each third sums to 1
};

// rgb is [height, width, 3]; reads a sample of the pixels of a large frame.
FrameSketch sketch_frame(const std::uint8_t* rgb, int height, int width);

// How far two frames are apart: 0 the same, 1 nothing in common.
double sketch_distance(const FrameSketch& a, const FrameSketch& b);

struct CutOptions {
  double threshold = 0.25;  // distance between the frames on both sides of a cut, at least
  double contrast = 3;      // times the mean distance of the frames near it, at least
  int neighbours = 6;       // frames on each side that "near" means
  int shortest = 4;         // frames of a scene: a flash makes no scene
};

// Indices of the frames that begin a new scene, ascending; 0 is not among them. Pure.
std::vector<int> find_cuts(const std::vector<FrameSketch>& frames, const CutOptions& options = {});

}  // namespace muybridge
