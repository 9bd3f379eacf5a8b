#include "data/media/picture_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/system/file.h"
#include "data/media/video_reader.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// A disc of its own colour in each frame, on grey.
Frames discs(int count) {
  Frames frames{count, 20, 30, {}};
  for (int t = 0; t < count; ++t)
    for (int y = 0; y < 20; ++y)
      for (int x = 0; x < 30; ++x) {
        const bool inside = (x - 15) * (x - 15) + (y - 10) * (y - 10) < 50;
        for (const int value : {200 - 8 * t, 8 * t, 100 + 3 * t})
          frames.rgb.push_back(static_cast<std::uint8_t>(inside ? value : 128));
      }
  return frames;
}

class PictureWriter : public ::testing::Test {
 protected:
  PictureWriter()
      : folder_(fs::path(::testing::TempDir()) / fmt::format("pictures-{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~PictureWriter() override { fs::remove_all(folder_); }

  std::string keep(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return (folder_ / name).string();
  }
  // What ffprobe says of a file, a value a line.
  std::string probe(const std::string& file, const std::string& entries) const {
    const std::string out = folder_ / "probe";
    EXPECT_EQ(std::system(fmt::format("ffprobe -v error -select_streams v -show_entries {} -of "
                                      "default=nw=1:nk=1 {} >{}",
                                      entries, file, out)
                              .c_str()),
              0);
    return read_file(out);
  }

  fs::path folder_;
};

TEST_F(PictureWriter, APngHasEveryPixel) {
  const Frames frames = discs(3);
  const Frames read = read_video(keep("a.png", encode_png(frames, 2)));
  ASSERT_EQ(read.width, 30);
  ASSERT_EQ(read.height, 20);
  EXPECT_TRUE(std::equal(read.rgb.begin(), read.rgb.end(), frames.frame(2)));
}

TEST_F(PictureWriter, APngCanBeEnlarged) {
  const Frames read = read_video(keep("a.png", encode_png(discs(1), 0, 3)));
  ASSERT_EQ(read.width, 90);
  ASSERT_EQ(read.height, 60);
  const Frames small = discs(1);
  for (const auto& [x, y] : {std::pair{45, 30}, std::pair{0, 0}, std::pair{89, 59}})
    for (int c = 0; c < 3; ++c)
      EXPECT_EQ(read.rgb[std::size_t(3 * (y * 90 + x) + c)],
                small.rgb[std::size_t(3 * (y / 3 * 30 + x / 3) + c)]);
}

TEST_F(PictureWriter, AGifHasTheFramesTheColoursAndTheSpeed) {
  const Frames frames = discs(12);
  const std::string file = keep("a.gif", encode_gif(frames, 8, 2));
  EXPECT_EQ(probe(file, "stream=width,height"), "60\n40\n");
  EXPECT_EQ(probe(file, "stream=duration"), "1.500000\n");
  const Frames read = read_video(file);
  ASSERT_EQ(read.count, 12);
  // Twelve discs and one grey: each colour has a place of its own in the palette.
  for (int t = 0; t < 12; ++t)
    for (int c = 0; c < 3; ++c) {
      EXPECT_EQ(read.frame(t)[3 * (20 * 60 + 30) + c], frames.frame(t)[3 * (10 * 30 + 15) + c]);
      EXPECT_EQ(read.frame(t)[c], 128);
    }
}

TEST_F(PictureWriter, AGifOfManyColoursStaysNearThem) {
  Frames ramp{1, 64, 64, {}};
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)
      for (const int value : {4 * x, 4 * y, 2 * (x + y)})
        ramp.rgb.push_back(static_cast<std::uint8_t>(value));
  const Frames read = read_video(keep("a.gif", encode_gif(ramp, 8)));
  ASSERT_EQ(read.rgb.size(), ramp.rgb.size());
  double error = 0;
  for (std::size_t i = 0; i < read.rgb.size(); ++i) error += std::abs(read.rgb[i] - ramp.rgb[i]);
  EXPECT_LT(error / static_cast<double>(read.rgb.size()), 6);
}

TEST_F(PictureWriter, AFastGifKeepsItsSpeed) {
  const std::string file = keep("a.gif", encode_gif(discs(20), 100));
  EXPECT_EQ(probe(file, "stream=duration"), "0.200000\n");
  EXPECT_EQ(probe(file, "stream=nb_frames"), "10\n");
}

TEST_F(PictureWriter, RefusesWhatIsNoPicture) {
  EXPECT_THROW(encode_gif({}, 8), Error);
  EXPECT_THROW(encode_gif(discs(1), 0), Error);
  EXPECT_THROW(encode_png(discs(1), 0, 0), Error);
}

}  // namespace
}  // namespace muybridge
