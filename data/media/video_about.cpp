#include "data/media/video_about.h"

#include <fmt/format.h>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace muybridge {

std::string libav_version() {
  const unsigned version = avcodec_version();
  return fmt::format("libavcodec {}.{}.{}", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                     AV_VERSION_MICRO(version));
}

std::vector<std::string> h264_encoders() {
  std::vector<std::string> found;
  for (const char* name : {"libx264", "libopenh264"})
    if (avcodec_find_encoder_by_name(name) != nullptr) found.emplace_back(name);
  return found;
}

}  // namespace muybridge
