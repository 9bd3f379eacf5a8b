#include "eval/scoring/motion.h"

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

constexpr std::size_t kParts = 4;
constexpr double kLeastShare = 0.4, kMostShare = 1.75;  // of a part's even share of the way

// The place along an axis at a time, on straight lines between the places.
double at(const std::vector<Place>& places, double Place::*axis, double time) {
  const auto later = [](const Place& place, double t) { return place.time < t; };
  const auto after = std::lower_bound(places.begin(), places.end(), time, later);
  if (after == places.begin()) return places.front().*axis;
  if (after == places.end()) return places.back().*axis;
  const Place &a = *(after - 1), &b = *after;
  return a.*axis + (b.*axis - a.*axis) * (time - a.time) / (b.time - a.time);
}

double slope_of(const std::vector<Place>& places, double Place::*axis, double& error) {
  const auto count = static_cast<double>(places.size());
  double t = 0, x = 0, tt = 0, tx = 0, xx = 0;
  for (const Place& place : places) {
    t += place.time / count;
    x += place.*axis / count;
  }
  for (const Place& place : places) {
    tt += (place.time - t) * (place.time - t);
    tx += (place.time - t) * (place.*axis - x);
    xx += (place.*axis - x) * (place.*axis - x);
  }
  const double slope = tt > 0 ? tx / tt : 0;
  error = std::sqrt(std::max(0.0, xx - slope * tx) / count);
  return slope;
}

}  // namespace

Line fit_line(const std::vector<Place>& places) {
  Line line;
  line.x = slope_of(places, &Place::x, line.error_x);
  line.y = slope_of(places, &Place::y, line.error_y);
  return line;
}

bool goes_steadily(const std::vector<Place>& places, double Place::*axis) {
  if (places.size() < 2) return false;
  const std::size_t parts = std::min(kParts, places.size() - 1);
  const double begin = places.front().time, end = places.back().time;
  const double share = (places.back().*axis - places.front().*axis) / static_cast<double>(parts);
  for (std::size_t part = 0; part < parts; ++part) {
    const auto time = [&](std::size_t i) {
      return begin + (end - begin) * static_cast<double>(i) / static_cast<double>(parts);
    };
    const double way = (at(places, axis, time(part + 1)) - at(places, axis, time(part))) / share;
    if (!(way >= kLeastShare && way <= kMostShare)) return false;
  }
  return true;
}

}  // namespace muybridge
