#pragma once

#include <vector>

namespace muybridge {

// Where a thing is. Lengths are shares of the clip's shorter side or of its height, as the user
// likes; y down.
struct Place {
  double time = 0;  // 0 in the clip's first frame, 1 in its last
  double x = 0, y = 0;
};

// The straight line through the places, by least squares.
struct Line {
  double x = 0, y = 0;              // way of the whole clip
  double error_x = 0, error_y = 0;  // root mean square distance of the places from it
};
Line fit_line(const std::vector<Place>& places);

// Whether the thing goes on along an axis all the time: each quarter of the clip brings its share
// of the way, neither much less nor much more. A thing that jumps or rests does not. Clips of less
// than five frames have as many parts as steps.
bool goes_steadily(const std::vector<Place>& places, double Place::*axis);

}  // namespace muybridge
