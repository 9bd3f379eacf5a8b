#include "data/media/video_deinterlace.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "data/media/video_reader.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A bar that moves by four pixels a field: combed where two fields are shown as one picture.
constexpr const char* kMovingBar =
    "-f lavfi -i \"color=black:size=96x64:rate=50,format=yuv420p,"
    "geq=lum='if(between(X,4*N,4*N+16),235,16)':cb=128:cr=128\" ";

class DeinterlacerTest : public MediaFolder {
 protected:
  std::filesystem::path combed(const std::string& codec, const std::string& name) const {
    return ffmpeg(
        std::string(kMovingBar) + "-vf tinterlace=interleave_top,setfield=tff -frames:v 8 " + codec,
        name);
  }

  // Rows that differ from both neighbours, which agree: a share of the picture.
  static double combs(const Frames& frames) {
    std::int64_t found = 0;
    for (int i = 0; i < frames.count; ++i) {
      for (int y = 1; y + 1 < frames.height; ++y) {
        for (int x = 0; x < frames.width; ++x) {
          const auto at = [&](int row) {
            return int(frames.frame(i)[3 * (row * frames.width + x)]);
          };
          if (std::abs(at(y - 1) - at(y + 1)) < 30 && std::abs(at(y) - at(y - 1)) > 90) ++found;
        }
      }
    }
    return static_cast<double>(found) /
           static_cast<double>(frames.count * frames.height * frames.width);
  }

  static std::vector<std::string> notes_of(const std::filesystem::path& file) {
    VideoReader reader(file);
    std::vector<std::uint8_t> rgb(reader.frame_bytes());
    while (reader.next(rgb.data())) {
    }
    return reader.notes();
  }
};

TEST_F(DeinterlacerTest, FlaggedPicturesAreMadeWhole) {
  const std::vector<std::pair<std::string, std::string>> forms = {
      {"-flags +ildct+ilme -c:v libx264 -x264-params tff=1 -crf 8", "a.mp4"},
      {"-flags +ildct+ilme -c:v mpeg2video -q:v 2", "a.ts"},
      {"-flags +ildct -c:v prores_ks", "a.mov"},
      {"-c:v ffv1 -field_order tt", "a.mkv"},
      {"-c:v utvideo -field_order tt", "b.mkv"},
  };
  for (const auto& [codec, name] : forms) {
    const auto file = combed(codec, name);
    const Frames frames = read_video(file);
    EXPECT_EQ(frames.count, 8) << name;
    EXPECT_LT(combs(frames), 0.01) << name;
    EXPECT_THAT(but_colors(notes_of(file)), ElementsAre("interlaced: made whole (bwdif)")) << name;
  }
}

TEST_F(DeinterlacerTest, WhatIsNotFlaggedIsNotTouched) {
  const auto file = ffmpeg(std::string(kMovingBar) +
                               "-vf tinterlace=interleave_top,setfield=prog -frames:v 8 "
                               "-c:v libx264 -crf 8",
                           "a.mp4");
  EXPECT_GT(combs(read_video(file)), 0.05);
  EXPECT_THAT(but_colors(notes_of(file)), IsEmpty());
}

// Film for television: pictures are whole, every other one is to be shown for three fields. No
// encoder here writes the flags (ISO 13818-2, 6.2.2.3 and 6.2.3.1), so they are put in afterwards.
TEST_F(DeinterlacerTest, FlaggedTelecineIsNoInterlacing) {
  std::string bytes =
      read_file(ffmpeg("-f lavfi -i \"nullsrc=size=64x64:rate=25,geq=lum=16+4*N:cb=128:cr=128\" "
                       "-frames:v 24 -c:v mpeg2video -q:v 1",
                       "plain.m2v"));
  const std::string start("\0\0\1\xb5", 4);
  int pictures = 0;
  for (std::size_t at = bytes.find(start); at != std::string::npos;
       at = bytes.find(start, at + 4)) {
    const int kind = static_cast<unsigned char>(bytes[at + 4]) >> 4;
    if (kind == 1) bytes[at + 5] &= ~0x08;  // the sequence may hold fields
    if (kind != 8) continue;
    const bool longer = pictures % 2 == 0;
    const bool top_first = pictures % 4 == 0 || pictures % 4 == 3;
    bytes[at + 7] =
        static_cast<char>((bytes[at + 7] & ~0x82) | (top_first ? 0x80 : 0) | (longer ? 0x02 : 0));
    bytes[at + 8] |= static_cast<char>(0x80);
    ++pictures;
  }
  ASSERT_EQ(pictures, 24);
  const auto file = write("film.m2v", bytes);
  const Frames frames = read_video(file);
  ASSERT_EQ(frames.count, 24);
  for (int i = 0; i < 24; ++i) EXPECT_NEAR(number_of(frames, i), 2 * i, 1);
  for (const std::string& note : notes_of(file)) EXPECT_EQ(note.find("interlaced"), note.npos);
}

TEST_F(DeinterlacerTest, OnePictureAndTheLastOneComeOut) {
  for (const int count : {1, 2, 3}) {
    Deinterlacer deinterlacer;
    int out = 0;
    TimedPicture got;
    for (int i = 0; i < count; ++i) {
      TimedPicture picture;
      picture.frame->width = picture.frame->height = 32;
      picture.frame->format = AV_PIX_FMT_YUV420P;
      picture.frame->interlaced_frame = i % 2 == 0 ? 1 : 0;
      picture.time.begin = i;
      ASSERT_EQ(av_frame_get_buffer(picture.frame.get(), 0), 0);
      deinterlacer.push(std::move(picture));
      while (deinterlacer.pop(got)) EXPECT_EQ(got.time.begin, out++);
    }
    deinterlacer.finish();
    while (deinterlacer.pop(got)) EXPECT_EQ(got.time.begin, out++);
    EXPECT_EQ(out, count);
  }
}

TEST_F(DeinterlacerTest, PicturesThatChangeTheirSizeAllComeOut) {
  Deinterlacer deinterlacer;
  std::vector<int> widths;
  TimedPicture got;
  const auto collect = [&] {
    while (deinterlacer.pop(got)) widths.push_back(got.frame->width);
  };
  for (const int width : {32, 32, 48, 2, 32}) {  // two columns are too few for the filter
    TimedPicture picture;
    picture.frame->width = picture.frame->height = width;
    picture.frame->format = AV_PIX_FMT_YUV420P;
    picture.frame->interlaced_frame = 1;
    ASSERT_EQ(av_frame_get_buffer(picture.frame.get(), 0), 0);
    deinterlacer.push(std::move(picture));
    collect();
  }
  deinterlacer.finish();
  collect();
  EXPECT_THAT(widths, ElementsAre(32, 32, 48, 2, 32));
  EXPECT_NE(deinterlacer.failure(), "");
}

}  // namespace
}  // namespace muybridge
