#pragma once

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "data/media/frames.h"
#include "data/synthetic/synthetic.h"

namespace muybridge {

// Numbers of one clip, drawn in order.
class Draws {
 public:
  explicit Draws(const RandomStream& stream) : stream_(stream) {}
  double uniform(double low, double high) { return low + (high - low) * stream_.uniform(next_++); }
  int integer(int low, int high) {  // both ends included
    const auto range = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<int>((std::uint64_t{stream_.bits(next_++)} * range) >> 32);
  }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(integer(0, static_cast<int>(from.size()) - 1))];
  }

 private:
  RandomStream stream_;
  std::uint64_t next_ = 0;
};

enum class Shape2d { kCircle, kSquare, kTriangle };

// Share of the pixel around (x, y) that the shape covers, the centre of the shape's box being (0,
// 0) and half its side `radius`: exact for straight edges along the axes, by the distance to the
// edge elsewhere.
double coverage(Shape2d shape, double x, double y, double radius);

// One picture in linear pixel units, x to the right, y down; the centre of the first pixel is
// (0.5, 0.5).
class Canvas {
 public:
  Canvas(int width, int height, double level);  // a grey picture
  void fill_below(double y, double level);      // a floor
  // `radius` is half the side of the shape's bounding box, whose centre is (x, y). Edges are one
  // pixel soft.
  void draw(Shape2d shape, double x, double y, double radius, const NamedColor& color);
  void store(Frames& frames, int index) const;

 private:
  int width_;
  int height_;
  std::vector<double> rgb_;
};

// The two corpora; synthesize() chooses.
SyntheticClip make_shapes_clip(const SyntheticOptions& options, Draws draws);
SyntheticClip make_physics_clip(const SyntheticOptions& options, Draws draws);

std::vector<std::string> shapes_prompts();
std::vector<std::string> physics_prompts();

Frames empty_frames(const SyntheticOptions& options);

}  // namespace muybridge
