#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/system/file.h"
#include "data/media/frames.h"
#include "tests/data/test_folder.h"

namespace muybridge {

// Real files, made with the ffmpeg command.
class MediaFolder : public TestFolder {
 protected:
  std::filesystem::path path(const std::string& name) const {
    const std::filesystem::path result = folder_ / name;
    std::filesystem::create_directories(result.parent_path());
    return result;
  }

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  std::filesystem::path ffmpeg(const std::string& arguments, const std::string& name) const {
    const std::string command = fmt::format("ffmpeg -nostdin -v error -y {} -threads 1 '{}'",
                                            arguments, path(name).string());
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return path(name);
  }

  // H.264 whose picture n is grey of level 16 + 2n: number_of() reads n back.
  std::filesystem::path numbered(const std::string& name, int pictures, int rate = 30,
                                 const std::string& more = "") const {
    return ffmpeg(
        fmt::format("-f lavfi -i \"nullsrc=size=64x48:rate={},geq=lum=16+2*N:cb=128:cr=128\" "
                    "-frames:v {} -c:v libx264 -g 10 -bf 2 -pix_fmt yuv420p -crf 4 {}",
                    rate, pictures, more),
        name);
  }

  // Pictures 0..9 last 0.1 s, 10..19 last 0.4 s: 5 s in all.
  std::filesystem::path slowing(const std::string& name) const {
    return ffmpeg(
        "-f lavfi -i \"nullsrc=size=64x48:rate=10,geq=lum=16+2*N:cb=128:cr=128,"
        "setpts='if(lt(N,10),N,10+(N-10)*4)'\" -frames:v 20 -vsync vfr -c:v libx264 "
        "-pix_fmt yuv420p -crf 4",
        name);
  }

  static int number_of(const Frames& frames, int index) {
    const std::size_t middle =
        3 * (static_cast<std::size_t>(frames.height) / 2 * static_cast<std::size_t>(frames.width) +
             static_cast<std::size_t>(frames.width) / 2);
    return static_cast<int>(std::lround(frames.frame(index)[middle] * 219.0 / 255 / 2));
  }

  // Notes, without the one that all unmarked videos of the ffmpeg command get.
  static std::vector<std::string> but_colors(std::vector<std::string> notes) {
    std::erase_if(notes, [](const std::string& note) {
      return note.starts_with("colour matrix not marked");
    });
    return notes;
  }
};

}  // namespace muybridge
