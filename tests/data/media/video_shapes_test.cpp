// Sizes, turns and colours of what a reader gives.
#include <array>
#include <cmath>
#include <string_view>
#include <tuple>
#include <utility>

#include "tests/data/media/video_reader_fixture.h"

namespace muybridge {
namespace {

// libav does not know the tag ExtraSamples of what other programs write.
TEST_F(VideoReaderTest, TiffsWithUnknownTagsAreRead) {
  std::string tiff("II*\0\x14\0\0\0", 8);  // header: 12 bytes of pixels lie behind it
  tiff += std::string("\xff\0\0\xff\0\0\xff\0\0\xff\0\0", 12);
  const auto entry = [](int tag, int type, int value) {
    std::string bytes;
    for (const int part : {tag, type}) bytes += {char(part & 255), char(part >> 8)};
    bytes += {1, 0, 0, 0, char(value & 255), char(value >> 8), 0, 0};
    return bytes;
  };
  tiff += std::string("\x0b\0", 2);
  for (const auto& [tag, value] : {std::pair{256, 2},
                                   {257, 2},
                                   {258, 8},
                                   {259, 1},
                                   {262, 2},
                                   {273, 8},
                                   {277, 3},
                                   {278, 2},
                                   {279, 12},
                                   {284, 1},
                                   {50000, 1}}) {
    tiff += entry(tag, 3, value);
  }
  tiff += std::string(4, '\0');
  const Frames frames = read_video(write("a.tif", tiff));
  ASSERT_EQ(frames.count, 1);
  expect_color(frames, 1, 1, kRed);
}

TEST_F(VideoReaderTest, CoverShowsTheMiddle) {
  const auto file = ffmpeg(std::string(kFourColors) + "-frames:v 3 -c:v libx264 -crf 4", "a.mp4");
  const Frames frames =
      read_video(file, {.size = {.resize = Resize::kCover, .width = 24, .height = 24}});
  EXPECT_EQ(frames.width, 24);
  EXPECT_EQ(frames.height, 24);
  expect_color(frames, 3, 3, kRed);
  expect_color(frames, 20, 3, kBlue);
  expect_color(frames, 3, 20, kGreen);
  expect_color(frames, 20, 20, kWhite);
}

TEST_F(VideoReaderTest, TurnsPicturesAsTheirMetadataSay) {
  const auto file = ffmpeg(std::string(kFourColors) + "-frames:v 3 -c:v libx264 -crf 4", "a.mp4");
  // Colours in the corners, from top left on. This ffmpeg turns to the left by rotate=90.
  const std::array<std::array<std::array<int, 3>, 4>, 4> corners = {
      {{kRed, kBlue, kGreen, kWhite},
       {kBlue, kWhite, kRed, kGreen},
       {kWhite, kGreen, kBlue, kRed},
       {kGreen, kRed, kWhite, kBlue}}};
  for (int turns = 0; turns < 4; ++turns) {
    const auto turned =
        ffmpeg(fmt::format("-i '{}' -c copy -metadata:s:v:0 rotate={}", file.string(), 90 * turns),
               fmt::format("turned-{}.mp4", turns));
    const Frames frames = read_video(turned);
    ASSERT_EQ(frames.width, turns % 2 == 0 ? 64 : 48) << turns;
    ASSERT_EQ(frames.height, turns % 2 == 0 ? 48 : 64) << turns;
    expect_color(frames, 5, 5, corners[turns][0]);
    expect_color(frames, frames.width - 6, 5, corners[turns][1]);
    expect_color(frames, 5, frames.height - 6, corners[turns][2]);
    expect_color(frames, frames.width - 6, frames.height - 6, corners[turns][3]);
  }
}

// A JPEG of a camera that was held upright: EXIF orientation 6, turn right by 90 degrees.
TEST_F(VideoReaderTest, TurnsPhotographs) {
  const auto plain =
      ffmpeg(std::string(kFourColors) + "-frames:v 1 -q:v 1 -pix_fmt yuvj444p", "plain.jpg");
  std::string bytes = read_file(plain);
  const std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0"
      "MM\0\x2A\0\0\0\x08"
      "\0\x01"
      "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
      "\0\0\0\0",
      36);
  bytes.insert(2, exif);
  const Frames frames = read_video(write("turned.jpg", bytes));
  ASSERT_EQ(frames.count, 1);
  ASSERT_EQ(frames.width, 48);
  ASSERT_EQ(frames.height, 64);
  expect_color(frames, 5, 5, kGreen);
  expect_color(frames, 42, 5, kRed);
  expect_color(frames, 42, 58, kBlue);
}

TEST_F(VideoReaderTest, StretchesPixelsThatAreNotSquare) {
  const auto file = ffmpeg(
      "-f lavfi -i testsrc=size=64x48:rate=10:duration=0.3 -vf setsar=3/2 -c:v libx264", "a.mp4");
  const Frames frames = read_video(file);
  EXPECT_EQ(frames.width, 96);
  EXPECT_EQ(frames.height, 48);
}

TEST_F(VideoReaderTest, ImagesAreClipsOfOneFrame) {
  for (const char* name : {"a.png", "a.jpg", "a.webp", "a.bmp"}) {
    const auto file = ffmpeg(std::string(kFourColors) + "-frames:v 1", name);
    VideoReader reader(file, {.fps = 24});
    EXPECT_TRUE(reader.info().image) << name;
    EXPECT_EQ(reader.expected_frames(), 1);
    const Frames frames = read_video(file, {.fps = 24});
    EXPECT_EQ(frames.count, 1) << name;
    expect_color(frames, 10, 10, kRed);
    expect_color(frames, 50, 40, kWhite);
  }
}

TEST_F(VideoReaderTest, OneFrameVideosAndOddSizes) {
  EXPECT_EQ(read_video(numbered("one.mp4", 1)).count, 1);
  EXPECT_EQ(read_video(numbered("one.mp4", 1), {.fps = 24}).count, 1);
  for (const auto& [width, height] : {std::pair{33, 17}, {1, 1}, {7, 64}, {2, 3}, {641, 3}}) {
    const auto file = ffmpeg(fmt::format("-f lavfi -i testsrc=size={}x{}:rate=5:duration=0.6 "
                                         "-c:v ffv1 -pix_fmt yuv444p",
                                         width, height),
                             "odd.mkv");
    const Frames frames = read_video(file);
    EXPECT_EQ(frames.width, width);
    EXPECT_EQ(frames.height, height);
    EXPECT_EQ(frames.count, 3);
  }
}

// swscale writes past the end of some rows; never past the slack.
TEST_F(VideoReaderTest, StaysWithinItsSlack) {
  const auto file =
      ffmpeg("-f lavfi -i testsrc=size=70x50:rate=5:duration=0.2 -c:v libx264", "a.mp4");
  for (int width = 1; width <= 70; ++width) {
    for (const int height : {1, 2, 7, 16, 49, 50}) {
      VideoReader reader(file,
                         {.size = {.resize = Resize::kCover, .width = width, .height = height}});
      constexpr std::size_t kGuard = 256;
      std::vector<std::uint8_t> buffer(reader.frame_bytes() + kGuard, 0xA5);
      ASSERT_TRUE(reader.next(buffer.data()));
      for (std::size_t i = buffer.size() - kGuard; i < buffer.size(); ++i) {
        ASSERT_EQ(buffer[i], 0xA5) << width << "x" << height << " byte " << i;
      }
    }
  }
}

TEST_F(VideoReaderTest, ColorsFollowTheMatrixOfTheFile) {
  for (const char* matrix : {"bt709", "smpte170m"}) {
    const auto file = ffmpeg(
        fmt::format("{} -frames:v 1 -vf scale=out_color_matrix={}:out_range=tv -colorspace {} "
                    "-color_range tv -c:v libx264 -crf 1 -pix_fmt yuv444p",
                    kFourColors, matrix, matrix),
        "a.mp4");
    const Frames frames = read_video(file);
    for (const auto& [x, y, color] :
         {std::tuple{10, 10, kRed}, {50, 10, kBlue}, {10, 40, kGreen}, {50, 40, kWhite}}) {
      const std::array<int, 3> seen = pixel(frames, x, y);
      for (int channel = 0; channel < 3; ++channel) {
        EXPECT_NEAR(seen[channel], color[channel], 4) << matrix;
      }
    }
  }
}

// Against ffmpeg's most careful scaler, for coarse and for full colour.
TEST_F(VideoReaderTest, ScalesWell) {
  for (const char* format : {"yuv420p", "yuv444p", "yuv420p10le", "gbrp"}) {
    const bool rgb = std::string_view(format) == "gbrp";
    const auto file =
        ffmpeg(fmt::format("-f lavfi -i testsrc2=size=320x240:rate=5:duration=0.4,gblur=1 -pix_fmt "
                           "{} -c:v {} -crf 1",
                           format, rgb ? "libx264rgb" : "libx264"),
               "a.mkv");
    for (const auto& [width, height] : {std::pair{160, 120}, {96, 72}, {400, 300}}) {
      const Frames ours =
          read_video(file, {.size = {.resize = Resize::kCover, .width = width, .height = height}});
      const Frames reference = read_video(ffmpeg(
          fmt::format(
              "-i '{}' -vf scale={}:{}:in_h_chr_pos=0:in_v_chr_pos=128:flags=bicubic+accurate_rnd+"
              "full_chroma_int+full_chroma_inp,format=gbrp -c:v ffv1",
              file.string(), width, height),
          "reference.mkv"));
      ASSERT_EQ(reference.width, width);
      ASSERT_EQ(reference.rgb.size(), ours.rgb.size());
      double square = 0;
      for (std::size_t i = 0; i < ours.rgb.size(); ++i) {
        square += std::pow(ours.rgb[i] - reference.rgb[i], 2);
      }
      const double psnr =
          10 * std::log10(255 * 255 / (square / static_cast<double>(ours.rgb.size()) + 1e-9));
      EXPECT_GT(psnr, 34) << format << " " << width << "x" << height;
    }
  }
}

}  // namespace
}  // namespace muybridge
