#pragma once

#include <array>
#include <string>

#include "core/error.h"
#include "data/media/video_reader.h"
#include "tests/data/media_folder.h"

namespace muybridge {

class VideoReaderTest : public MediaFolder {
 protected:
  static std::string failure_of(const std::filesystem::path& file) {
    try {
      read_video(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kCorrupt);
      return error.what();
    }
    return "";
  }

  static void expect_contains(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  static std::array<int, 3> pixel(const Frames& frames, int x, int y, int index = 0) {
    const std::uint8_t* at = frames.frame(index) + 3 * (y * frames.width + x);
    return {at[0], at[1], at[2]};
  }

  static void expect_color(const Frames& frames, int x, int y, std::array<int, 3> wanted) {
    const std::array<int, 3> seen = pixel(frames, x, y);
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(seen[channel], wanted[channel], 24) << x << "," << y << " channel " << channel;
    }
  }

  // Red over green on the left, blue over white on the right.
  static constexpr const char* kFourColors =
      "-f lavfi -i \"color=red:size=32x24:rate=10,pad=64:48:0:0:blue,"
      "drawbox=0:24:32:24:lime:fill,drawbox=32:24:32:24:white:fill\" ";
};

inline constexpr std::array<int, 3> kRed{255, 0, 0};
inline constexpr std::array<int, 3> kGreen{0, 255, 0};
inline constexpr std::array<int, 3> kBlue{0, 0, 255};
inline constexpr std::array<int, 3> kWhite{255, 255, 255};

}  // namespace muybridge
