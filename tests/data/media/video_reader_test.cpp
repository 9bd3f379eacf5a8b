#include "data/media/video_reader.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string_view>

#include "tests/data/media/video_reader_fixture.h"

namespace muybridge {
namespace {

using ::testing::ElementsAre;

TEST_F(VideoReaderTest, GivesEveryPictureInOrder) {
  const Frames frames = read_video(numbered("a.mp4", 40));
  ASSERT_EQ(frames.count, 40);
  EXPECT_EQ(frames.width, 64);
  EXPECT_EQ(frames.height, 48);
  EXPECT_EQ(frames.rgb.size(), std::size_t{40} * 64 * 48 * 3);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(number_of(frames, i), i);
}

// Several times as large as what is read at once: libav goes to an index at the end and back.
TEST_F(VideoReaderTest, LargeFilesAreReadOverTheirSeeks) {
  for (const char* name : {"a.mov", "a.mkv", "a.avi", "a.nut", "a.mxf"}) {
    const bool mxf = std::string_view(name) == "a.mxf";
    const auto file = ffmpeg(
        fmt::format("-f lavfi -i \"nullsrc=size=256x192:rate=25,geq=lum='if(lt(Y,64),random(1)*255,"
                    "16+2*N)':cb=128:cr=128\" -frames:v 60 -c:v {}",
                    mxf ? "mpeg2video -q:v 2 -pix_fmt yuv420p" : "ffv1 -pix_fmt yuv420p"),
        name);
    ASSERT_GT(std::filesystem::file_size(file), std::uintmax_t{1} << 19) << name;
    const Frames frames = read_video(file);
    ASSERT_EQ(frames.count, 60) << name;
    for (int i = 0; i < 60; ++i) EXPECT_EQ(number_of(frames, i), i) << name;
  }
}

TEST_F(VideoReaderTest, SaysWhatIsInTheFile) {
  VideoReader reader(numbered("a.mp4", 45, 15));
  EXPECT_EQ(reader.info().width, 64);
  EXPECT_EQ(reader.info().height, 48);
  EXPECT_DOUBLE_EQ(reader.info().fps, 15);
  EXPECT_NEAR(reader.info().seconds, 3, 1e-3);
  EXPECT_EQ(reader.info().codec, "h264");
  EXPECT_EQ(reader.expected_frames(), 45);
}

TEST_F(VideoReaderTest, LowersAndRaisesTheFrameRate) {
  const auto file = numbered("a.mp4", 60, 30);
  const Frames half = read_video(file, {.fps = 15});
  ASSERT_EQ(half.count, 30);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(number_of(half, i), 2 * i);
  const Frames twice = read_video(file, {.fps = 60});
  ASSERT_EQ(twice.count, 120);
  for (int i = 0; i < 120; ++i) EXPECT_EQ(number_of(twice, i), i / 2);
  const Frames odd = read_video(file, {.fps = 24});
  ASSERT_EQ(odd.count, 48);
  for (int i = 0; i < 48; ++i) EXPECT_EQ(number_of(odd, i), i * 5 / 4);
}

// Matroska rounds times to milliseconds: 30 pictures a second begin at 33, 67, 100 ms.
TEST_F(VideoReaderTest, RoundedTimesDoNotDisturbTheChoiceOfPictures) {
  const Frames half = read_video(numbered("a.mkv", 60, 30), {.fps = 15});
  ASSERT_EQ(half.count, 30);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(number_of(half, i), 2 * i);
}

TEST_F(VideoReaderTest, VariableFrameRateFollowsTheClock) {
  const auto file = slowing("a.mp4");
  const Frames frames = read_video(file, {.fps = 10});
  ASSERT_GE(frames.count, 46);
  for (int i = 0; i < 46; ++i) EXPECT_EQ(number_of(frames, i), i < 10 ? i : 10 + (i - 10) / 4) << i;
  EXPECT_EQ(read_video(file).count, 20);
}

TEST_F(VideoReaderTest, CutsCountPicturesWhateverTheRateDoes) {
  const Frames frames = read_video(numbered("a.mp4", 60), {.cut_first = 20, .cut_end = 35});
  ASSERT_EQ(frames.count, 15);
  EXPECT_EQ(number_of(frames, 0), 20);
  EXPECT_EQ(number_of(frames, 14), 34);
  const Frames varying = read_video(slowing("b.mp4"), {.cut_first = 8, .cut_end = 14});
  ASSERT_EQ(varying.count, 6);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(number_of(varying, i), 8 + i);
}

// Pictures 8 and 9 last 0.1 s each, 10 and 11 last 0.4 s each.
TEST_F(VideoReaderTest, ACutBeginsAndEndsWithItsPictures) {
  const Frames frames = read_video(slowing("a.mp4"), {.fps = 10, .cut_first = 8, .cut_end = 12});
  ASSERT_EQ(frames.count, 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(number_of(frames, i), i < 2 ? 8 + i : i < 6 ? 10 : 11);
}

TEST_F(VideoReaderTest, ACutOutsideTheFileIsSaid) {
  const auto file = numbered("a.mp4", 20);
  VideoReader reader(file, {.cut_first = 15, .cut_end = 30});
  std::vector<std::uint8_t> rgb(reader.frame_bytes());
  int frames = 0;
  while (reader.next(rgb.data())) ++frames;
  EXPECT_EQ(frames, 5);
  EXPECT_THAT(but_colors(reader.notes()),
              ElementsAre("its cut ends behind its last picture: number 29 of 20"));
  try {
    read_video(file, {.cut_first = 20});
    FAIL();
  } catch (const Error& error) {
    expect_contains(error.what(), "its 20 pictures end before its cut");
  }
}

// A slow half must not make the fast half skip pictures.
TEST_F(VideoReaderTest, NoPictureIsLostWhereTheRateVaries) {
  const auto file = ffmpeg(
      "-f lavfi -i \"nullsrc=size=32x32:rate=60,geq=lum='16+2*mod(N,100)':cb=128:cr=128,"
      "select='lt(n,60)+not(mod(n,6))'\" -frames:v 100 -fps_mode vfr -c:v libx264 -pix_fmt yuv420p",
      "a.mp4");
  EXPECT_EQ(read_video(file).count, 100);
  EXPECT_EQ(read_video(file, {.fps = 60}).count, 60 + 39 * 6 + 1);
}

TEST_F(VideoReaderTest, TheLastPictureOfAGifIsHeld) {
  const auto file = ffmpeg(
      "-f lavfi -i \"nullsrc=size=64x48:rate=10,geq=lum=16+8*N:cb=128:cr=128,format=gray\" "
      "-frames:v 20 -final_delay 300",
      "a.gif");
  VideoReader reader(file, {.fps = 10});
  Frames frames;
  frames.width = 64;
  frames.height = 48;
  frames.rgb.resize(reader.frame_bytes());
  int count = 0;
  for (; reader.next(frames.rgb.data()); ++count) {
    EXPECT_NEAR(pixel(frames, 32, 24)[1], 16 + 8 * std::min(count, 19), 3) << count;
  }
  EXPECT_EQ(count, 19 + 30);
  EXPECT_EQ(reader.damage(), "");
}

TEST_F(VideoReaderTest, APauseIsFilled) {
  const auto file = ffmpeg(
      "-f lavfi -i \"nullsrc=size=64x48:rate=10,geq=lum='16+mod(N,200)':cb=128:cr=128,"
      "select='lt(t,2)+gte(t,17)'\" -t 19 -fps_mode vfr -c:v libx264 -crf 4 -pix_fmt yuv420p",
      "a.mkv");
  VideoReader reader(file, {.fps = 8});
  std::vector<std::uint8_t> rgb(reader.frame_bytes());
  int count = 0;
  while (reader.next(rgb.data())) ++count;
  EXPECT_EQ(count, 19 * 8);
  EXPECT_EQ(reader.damage(), "");
  EXPECT_EQ(read_video(file).count, 40);
}

}  // namespace
}  // namespace muybridge
