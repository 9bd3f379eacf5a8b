#pragma once

#include <string>
#include <vector>

#include "eval/run_record.h"

namespace muybridge {

struct Series {
  std::string name;
  std::string style;  // class of the page's style sheet: "ink-1", "ink-2", "ink-3"
  Curve curve;
  bool noisy = false;  // draw a smoothed line over the faint raw one
  bool dots = false;   // mark the points: they are few
};

struct Chart {
  std::string title;
  std::vector<Series> series;
  bool share = false;         // values are shares: the axis is 0% to 100%
  std::string over = "step";  // what the points' whole numbers count
};

// The chart as an inline SVG picture that takes its colours from the page. The value axis is
// logarithmic where all values are positive and far apart. Empty without a finite point.
std::string draw_chart(const Chart& chart);

// A running mean whose window grows with the curve: what the eye would draw through the noise.
Curve smooth(const Curve& curve);

// At most about `count` points that keep the highest and the lowest of each stretch.
Curve thin_out(const Curve& curve, std::size_t count);

}  // namespace muybridge
