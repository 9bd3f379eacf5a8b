#pragma once

#include <string>
#include <vector>

namespace muybridge {

// The libav this program runs with, such as "libavcodec 59.37.100".
std::string libav_version();

// Those of its encoders that can write H.264, best first; may be empty.
std::vector<std::string> h264_encoders();

}  // namespace muybridge
