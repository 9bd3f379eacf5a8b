#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "data/media/video_file.h"

namespace muybridge {

// Where the second of several files begins that were joined end to end, as `cat a.mp4 b.mp4` does;
// nothing if there is one only. libav reads no further in these containers, and says nothing. Not
// for use outside data/media.

// MP4 and QuickTime, whatever else the file may be.
struct MovieParts {
  std::optional<std::int64_t> second;
  bool torn = false;  // a part says that it goes on behind the end of the file
};
MovieParts movie_parts(const VideoFile& file);

// Another container, by libav's name for it, of which a packet ended about `from`.
std::optional<std::int64_t> second_file(const VideoFile& file, std::string_view format,
                                        std::int64_t from);

// Whether `packet` may lie behind the beginning of a second file, which libav went over: it takes
// that for a packet of a NUT file, and has no times in a second MXF file.
bool is_second_file(const VideoFile& file, const AVPacket& packet, std::string_view format,
                    std::int64_t last_dts);

}  // namespace muybridge
