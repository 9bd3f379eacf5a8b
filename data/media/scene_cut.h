#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

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
  int flash = 4;            // frames: what was before a flash is back so soon after it
};

// Finds the frames that begin a new scene while a video is being decoded. What it says of a frame
// depends on the frames around it alone, so a frame's answer comes delay() frames after it.
class CutFinder {
 public:
  explicit CutFinder(const CutOptions& options = {});

  void add(const FrameSketch& frame);
  void end();  // no frame follows

  // Whether the first frame not yet answered for begins a new scene (the very first one never
  // does); nothing while it depends on frames to come, or when all were answered.
  std::optional<bool> next();

  int delay() const;

 private:
  bool is_cut(std::int64_t frame) const;
  bool lasts(std::int64_t cut) const;
  double mean_nearby(std::int64_t frame) const;
  double distance(std::int64_t a, std::int64_t b) const;

  CutOptions options_;
  std::deque<FrameSketch> sketches_;  // of frames first_ .. end_ - 1
  std::deque<double> steps_;          // the distance of each to the one before it
  std::int64_t first_ = 0;
  std::int64_t end_ = 0;
  std::int64_t answered_ = 0;
  bool ended_ = false;
};

}  // namespace muybridge
