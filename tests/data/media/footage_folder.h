#pragma once

#include <string>
#include <vector>

#include "data/media/video_reader.h"
#include "tests/data/media_folder.h"

namespace muybridge {

// What a reader gives of a file of numbered pictures.
struct Footage {
  std::vector<int> numbers;
  std::vector<double> times;
  std::vector<std::string> notes;
  std::string damage;
};

class FootageFolder : public MediaFolder {
 protected:
  static Footage footage(const std::filesystem::path& file, int threads = 1) {
    VideoReader reader(file, {.threads = threads});
    Frames frame;
    frame.width = reader.width();
    frame.height = reader.height();
    frame.rgb.resize(reader.frame_bytes());
    Footage result;
    while (reader.next(frame.rgb.data())) {
      result.numbers.push_back(number_of(frame, 0));
      result.times.push_back(reader.time());
    }
    result.notes = but_colors(reader.notes());
    result.damage = reader.damage();
    return result;
  }

  // Pictures first .. first + count - 1, as numbered().
  std::filesystem::path numbered_from(const std::string& name, int first, int count,
                                      const std::string& more) const {
    return ffmpeg(fmt::format("-f lavfi -i \"nullsrc=size=64x48:rate=25,geq=lum=16+2*(N+{}):cb=128:"
                              "cr=128\" -frames:v {} {}",
                              first, count, more),
                  name);
  }

  std::filesystem::path joined(const std::string& name, const std::filesystem::path& first,
                               const std::filesystem::path& second) const {
    return write(name, read_file(first) + read_file(second));
  }

  static std::vector<int> counted(int end) {
    std::vector<int> numbers;
    for (int n = 0; n < end; ++n) numbers.push_back(n);
    return numbers;
  }

  static void expect_steady(const std::vector<double>& times, double tick) {
    for (std::size_t i = 0; i < times.size(); ++i)
      EXPECT_NEAR(times[i], 0.04 * static_cast<double>(i), tick) << "picture " << i;
  }
};

}  // namespace muybridge
