#include "data/media/picture_stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <cstring>

#include "core/error.h"
#include "data/media/video_reader.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using ::testing::ElementsAre;

// Seen through the reader, which gives each picture once where no rate is asked of it.
class PictureStreamTest : public MediaFolder {
 protected:
  static void expect_contains(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
};

// Decoding from a picture before this one would meet pictures that refer to what is not there.
TEST_F(PictureStreamTest, OpenGroupsOfPicturesAreWhole) {
  const auto file = ffmpeg(
      "-f lavfi -i \"nullsrc=size=64x48:rate=25,geq=lum=16+2*N:cb=128:cr=128\" -frames:v 90 "
      "-c:v libx265 -x265-params log-level=none:keyint=20:bframes=4:open-gop=1:qp=4 "
      "-pix_fmt yuv420p",
      "a.ts");
  const Frames frames = read_video(file);
  ASSERT_EQ(frames.count, 90);
  for (int i = 0; i < 90; ++i) EXPECT_EQ(number_of(frames, i), i);
}

TEST_F(PictureStreamTest, EachPictureHasItsOwnTime) {
  VideoReader reader(slowing("a.mp4"));
  std::vector<std::uint8_t> rgb(reader.frame_bytes());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(reader.next(rgb.data()));
    EXPECT_NEAR(reader.time(), 0.1 * (i < 10 ? i : 10 + 4 * (i - 10)), 1e-6) << i;
  }
  EXPECT_FALSE(reader.next(rgb.data()));
  EXPECT_THAT(but_colors(reader.notes()),
              ElementsAre("its rate varies: 2.5 to 10 pictures a second"));
}

TEST_F(PictureStreamTest, PicturesBehindAJumpOfTheClockAreUsed) {
  const auto joined = ffmpeg(
      "-f lavfi -i \"nullsrc=size=64x48:rate=25,geq=lum=16+2*N:cb=128:cr=128,"
      "setpts='N+if(gte(N,40),90000,0)'\" -frames:v 80 -fps_mode passthrough -c:v libx264 "
      "-pix_fmt yuv420p",
      "a.mkv");
  VideoReader reader(joined);
  std::vector<std::uint8_t> rgb(reader.frame_bytes());
  double last = -1;
  int count = 0;
  for (; reader.next(rgb.data()); ++count) {
    EXPECT_NEAR(reader.time() - last, count == 0 ? 1 : 0.04, 1e-3) << count;
    last = reader.time();
  }
  EXPECT_EQ(count, 80);
  EXPECT_EQ(reader.damage(), "");
  ASSERT_EQ(but_colors(reader.notes()).size(), 1U);
  expect_contains(but_colors(reader.notes())[0], "its clock jumps: by +3600.04 s after 1.56 s; ");
  EXPECT_EQ(read_video(joined, {.fps = 25}).count, 80);
}

TEST_F(PictureStreamTest, WhereAFileHasNoTimesTheRateIsAssumed) {
  VideoReader reader(numbered("a.h264", 30));
  std::vector<std::uint8_t> rgb(reader.frame_bytes());
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(reader.next(rgb.data()));
    EXPECT_NEAR(reader.time(), i / 30.0, 1e-6);
  }
  EXPECT_THAT(but_colors(reader.notes()),
              ElementsAre("its pictures have no times: 30 a second assumed"));
}

// Sound that goes on longer than the pictures is no damage.
TEST_F(PictureStreamTest, LongerSoundIsNoDamage) {
  for (const char* name : {"a.mkv", "a.mp4", "a.flv"}) {
    const auto file = ffmpeg(
        "-f lavfi -i testsrc=size=64x48:rate=10:duration=2 -f lavfi -i sine=duration=8 "
        "-c:v libx264 -ar 44100",
        name);
    VideoReader reader(file);
    std::vector<std::uint8_t> rgb(reader.frame_bytes());
    int count = 0;
    while (reader.next(rgb.data())) ++count;
    EXPECT_EQ(count, 20) << name;
    EXPECT_EQ(reader.damage(), "") << name;
  }
}

TEST_F(PictureStreamTest, ThreadsGiveTheSameFrames) {
  const auto whole = numbered("a.mp4", 60, 30, "-movflags +faststart");
  std::string bytes = read_file(whole);
  const auto cut = write("cut.mp4", bytes.substr(0, bytes.size() * 3 / 4));
  for (std::size_t i = 0; i < 200; ++i) bytes[bytes.size() * 4 / 5 + i] = 0;
  const auto scratched = write("scratched.mp4", bytes);
  for (const auto& file : {whole, cut, scratched}) {
    const Frames one = read_video(file);
    const Frames four = read_video(file, {.threads = 4});
    EXPECT_EQ(one.count, four.count) << file;
    EXPECT_TRUE(one.rgb == four.rgb) << file;
    EXPECT_EQ(one.count == 60, file == whole) << file;
  }
}

// A descriptor that cannot be read stands for a disk that fails: the file is not to blame.
TEST_F(PictureStreamTest, WhatTheSystemFailsToReadIsNoFaultOfTheFile) {
  const auto file = numbered("a.mp4", 5);
  try {
    const VideoReader reader(FileHandle(::open(file.c_str(), O_WRONLY | O_CLOEXEC)), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kIo) << error.what();
    expect_contains(error.what(), "reading the file: ");
  }
}

}  // namespace
}  // namespace muybridge
