#include "data/media/picture/video_colors.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/data/media/icc_profiles.h"
#include "tests/data/media/picture_frames.h"

extern "C" {
#include <libavutil/dovi_meta.h>
#include <libavutil/mem.h>
}

namespace muybridge {
namespace {

TestFrame frame_of(AVPixelFormat format, int width, int height) {
  TestFrame frame(av_frame_alloc());
  frame->format = format;
  frame->width = width;
  frame->height = height;
  return frame;
}

PictureColors colors(const AVFrame& frame, bool still = false) {
  VideoNotes notes;
  return colors_of(frame, still, notes);
}

TEST(VideoColors, TagsAreTaken) {
  const TestFrame frame = frame_of(AV_PIX_FMT_YUV420P, 64, 48);
  frame->colorspace = AVCOL_SPC_SMPTE240M;
  frame->color_range = AVCOL_RANGE_JPEG;
  frame->color_primaries = AVCOL_PRI_SMPTE432;
  frame->color_trc = AVCOL_TRC_IEC61966_2_1;
  frame->chroma_location = AVCHROMA_LOC_TOPLEFT;
  VideoNotes notes;
  EXPECT_EQ(colors_of(*frame, false, notes),
            (PictureColors{AVCOL_SPC_SMPTE240M, AVCOL_PRI_SMPTE432, AVCOL_TRC_IEC61966_2_1,
                           AVCHROMA_LOC_TOPLEFT, true}));
  EXPECT_TRUE(notes.all().empty()) << "nothing was guessed";
}

TEST(VideoColors, WhatIsNotMarkedFollowsTheSizeOfTheSource) {
  for (const auto& [width, height, matrix, name] :
       {std::tuple{720, 576, AVCOL_SPC_SMPTE170M, "BT.601"},
        {1279, 719, AVCOL_SPC_SMPTE170M, "BT.601"},
        {1280, 536, AVCOL_SPC_BT709, "BT.709"},
        {960, 720, AVCOL_SPC_BT709, "BT.709"},
        {3840, 2160, AVCOL_SPC_BT709, "BT.709"}}) {
    VideoNotes notes;
    const TestFrame frame = frame_of(AV_PIX_FMT_YUV420P, width, height);
    EXPECT_EQ(colors_of(*frame, false, notes),
              (PictureColors{matrix, AVCOL_PRI_BT709, AVCOL_TRC_BT709, AVCHROMA_LOC_LEFT, false}));
    ASSERT_EQ(notes.all().size(), 1U);
    EXPECT_EQ(notes.all()[0],
              "colour matrix not marked: taken as " + std::string(name) + " for the size");
  }
}

TEST(VideoColors, OneTagSpeaksForTheOthers) {
  const TestFrame frame = frame_of(AV_PIX_FMT_YUV420P10, 640, 360);
  frame->color_trc = AVCOL_TRC_SMPTE2084;
  EXPECT_EQ(colors(*frame).matrix, AVCOL_SPC_BT2020_NCL);
  EXPECT_EQ(colors(*frame).primaries, AVCOL_PRI_BT2020);
  frame->color_trc = AVCOL_TRC_UNSPECIFIED;
  frame->colorspace = AVCOL_SPC_BT2020_NCL;
  EXPECT_EQ(colors(*frame).primaries, AVCOL_PRI_BT2020);
}

TEST(VideoColors, RangeFollowsTagAndFormat) {
  const auto full = [](AVPixelFormat format, AVColorRange range) {
    const TestFrame frame = frame_of(format, 64, 48);
    frame->color_range = range;
    return colors(*frame).full_range;
  };
  EXPECT_FALSE(full(AV_PIX_FMT_YUV420P, AVCOL_RANGE_UNSPECIFIED));
  EXPECT_TRUE(full(AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG));
  EXPECT_TRUE(full(AV_PIX_FMT_YUVJ422P, AVCOL_RANGE_UNSPECIFIED));
  EXPECT_TRUE(full(AV_PIX_FMT_RGB24, AVCOL_RANGE_MPEG));
  EXPECT_TRUE(full(AV_PIX_FMT_GRAY8, AVCOL_RANGE_UNSPECIFIED));
  EXPECT_FALSE(full(AV_PIX_FMT_GRAY8, AVCOL_RANGE_MPEG));
}

TEST(VideoColors, StillsMeanWhatTheirFormsSay) {
  const TestFrame frame = frame_of(AV_PIX_FMT_YUV420P, 4000, 3000);
  VideoNotes notes;
  const PictureColors found = colors_of(*frame, true, notes);
  EXPECT_EQ(found.matrix, AVCOL_SPC_SMPTE170M);
  EXPECT_EQ(found.chroma, AVCHROMA_LOC_CENTER);
  EXPECT_TRUE(found.full_range);
  EXPECT_TRUE(notes.all().empty());
}

TEST(VideoColors, UnknownMatricesAreNoted) {
  const TestFrame frame = frame_of(AV_PIX_FMT_YUV444P, 64, 48);
  frame->colorspace = AVCOL_SPC_SMPTE2085;
  VideoNotes notes;
  EXPECT_EQ(colors_of(*frame, false, notes).matrix, AVCOL_SPC_SMPTE170M);
  colors_of(*frame, false, notes);
  ASSERT_EQ(notes.all().size(), 1U);
  EXPECT_NE(notes.all()[0].find("11 is not known"), std::string::npos) << notes.all()[0];
}

TEST(VideoColors, IccProfilesNamePrimariesWhereTagsDoNot) {
  for (const auto& [colorants, primaries, notes_wanted] :
       {std::tuple{kSrgbColorants, AVCOL_PRI_BT709, 0U},
        {kDisplayP3Colorants, AVCOL_PRI_SMPTE432, 0U},
        {kAdobeRgbColorants, AVCOL_PRI_BT709, 1U}}) {
    const TestFrame frame = frame_of(AV_PIX_FMT_RGB24, 64, 48);
    const std::vector<std::uint8_t> profile = icc_profile(colorants);
    AVFrameSideData* side =
        av_frame_new_side_data(frame.get(), AV_FRAME_DATA_ICC_PROFILE, profile.size());
    std::memcpy(side->data, profile.data(), profile.size());
    VideoNotes notes;
    EXPECT_EQ(colors_of(*frame, true, notes).primaries, primaries);
    EXPECT_EQ(notes.all().size(), notes_wanted);
    frame->color_primaries = AVCOL_PRI_BT2020;
    EXPECT_EQ(colors(*frame, true).primaries, AVCOL_PRI_BT2020) << "tags go before";
  }
}

TEST(VideoColors, DolbyVisionWithoutABaseLayerIsRefused) {
  const TestFrame frame = frame_of(AV_PIX_FMT_YUV420P10, 64, 48);
  std::size_t bytes = 0;
  AVDOVIMetadata* dovi = av_dovi_metadata_alloc(&bytes);
  AVFrameSideData* side = av_frame_new_side_data(frame.get(), AV_FRAME_DATA_DOVI_METADATA, bytes);
  std::memcpy(side->data, dovi, bytes);
  av_free(dovi);
  EXPECT_NO_THROW(colors(*frame));
  av_dovi_get_color(reinterpret_cast<AVDOVIMetadata*>(side->data))->signal_color_space = 2;
  EXPECT_THROW(colors(*frame), Error);
}

}  // namespace
}  // namespace muybridge
