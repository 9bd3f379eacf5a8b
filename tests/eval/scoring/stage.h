#pragma once

#include <functional>
#include <string_view>

#include "data/synthetic/synthetic_canvas.h"

namespace muybridge {

// A clip of 16 square frames on a plain ground; `draw` gets each frame's number.
inline Frames stage(int size, const std::function<void(Canvas&, int)>& draw, double level = 24) {
  Frames frames = empty_frames({.width = size, .height = size});
  for (int index = 0; index < frames.count; ++index) {
    Canvas canvas(size, size, level);
    draw(canvas, index);
    canvas.store(frames, index);
  }
  return frames;
}

inline const NamedColor& color_named(std::string_view name) {
  for (const NamedColor& color : kColors)
    if (color.name == name) return color;
  throw std::invalid_argument("no such color");
}

}  // namespace muybridge
