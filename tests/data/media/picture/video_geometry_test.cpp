#include "data/media/picture/video_geometry.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace muybridge {
namespace {

PicturePlan plan(int width, int height, const SizeOptions& options, Orientation orientation = {},
                 double aspect = 1) {
  return plan_picture(width, height, aspect, orientation, options);
}

TEST(VideoGeometry, CoverCutsTheLongerSideEvenly) {
  const PicturePlan wide =
      plan(1920, 1080, {.resize = Resize::kCover, .width = 480, .height = 480});
  EXPECT_EQ(wide, (PicturePlan{.crop_x = 420,
                               .crop_y = 0,
                               .crop_width = 1080,
                               .crop_height = 1080,
                               .scaled_width = 480,
                               .scaled_height = 480,
                               .width = 480,
                               .height = 480}));
  const PicturePlan tall = plan(100, 300, {.resize = Resize::kCover, .width = 50, .height = 100});
  EXPECT_EQ(tall.crop_y, 50);
  EXPECT_EQ(tall.crop_height, 200);
  EXPECT_EQ(tall.crop_width, 100);
}

TEST(VideoGeometry, CoverEnlargesSmallPictures) {
  const PicturePlan small = plan(16, 16, {.resize = Resize::kCover, .width = 64, .height = 32});
  EXPECT_EQ(small.width, 64);
  EXPECT_EQ(small.crop_height, 8);
}

TEST(VideoGeometry, FitKeepsTheShapeWithinTheBudgetAndNeverEnlarges) {
  const SizeOptions options{.resize = Resize::kFit, .width = 832, .height = 480, .multiple = 16};
  for (const auto& [width, height] :
       {std::pair{1920, 1080}, {1080, 1920}, {1000, 1000}, {4096, 1716}, {2000, 400}, {640, 480}}) {
    const PicturePlan result = plan(width, height, options);
    EXPECT_LE(result.width * result.height, 832 * 480) << width << "x" << height;
    EXPECT_EQ(result.width % 16, 0);
    EXPECT_EQ(result.height % 16, 0);
    EXPECT_LE(result.width, width);
    const double shape = static_cast<double>(result.width) / result.height * height / width;
    EXPECT_NEAR(shape, 1, 0.07) << width << "x" << height;
    EXPECT_GT(result.width * result.height, 0.85 * std::min(832 * 480, width * height));
  }
}

TEST(VideoGeometry, NativeCropsToTheMultipleWithoutScaling) {
  const PicturePlan result = plan(1920, 1080, {.resize = Resize::kNative, .multiple = 16});
  EXPECT_EQ(result.width, 1920);
  EXPECT_EQ(result.height, 1072);
  EXPECT_EQ(result.crop_height, 1072);
  EXPECT_EQ(result.crop_y, 4);
}

TEST(VideoGeometry, SidewaysPicturesAreMeasuredAsTheyAreSeen) {
  const PicturePlan result = plan(
      1920, 1080, {.resize = Resize::kCover, .width = 90, .height = 160}, {.quarter_turns = 1});
  EXPECT_EQ(result.width, 90);
  EXPECT_EQ(result.scaled_width, 160);
  EXPECT_EQ(result.scaled_height, 90);
  EXPECT_EQ(result.crop_width, 1920);
  EXPECT_EQ(result.crop_height, 1080);
}

// The box is in the picture as seen: its top left must come from the right corner of the stored
// one.
TEST(VideoGeometry, CropsFollowTheTurn) {
  const SizeOptions options{.resize = Resize::kNative, .crop = CropBox{0, 10, 0, 20}};
  const PicturePlan straight = plan(200, 100, options);
  EXPECT_EQ(straight.crop_x, 0);
  EXPECT_EQ(straight.crop_y, 0);
  const PicturePlan right = plan(200, 100, options, {.quarter_turns = 1});  // seen: 100 x 200
  EXPECT_EQ(right.crop_x, 0);
  EXPECT_EQ(right.crop_y, 90);
  EXPECT_EQ(right.crop_width, 20);
  EXPECT_EQ(right.crop_height, 10);
  const PicturePlan around = plan(200, 100, options, {.quarter_turns = 2});
  EXPECT_EQ(around.crop_x, 190);
  EXPECT_EQ(around.crop_y, 80);
  const PicturePlan left = plan(200, 100, options, {.quarter_turns = 3});
  EXPECT_EQ(left.crop_x, 180);
  EXPECT_EQ(left.crop_y, 0);
  const PicturePlan mirrored = plan(200, 100, options, {.quarter_turns = 0, .mirror = true});
  EXPECT_EQ(mirrored.crop_x, 190);
}

TEST(VideoGeometry, WidePixelsAreStretched) {
  const PicturePlan result = plan(720, 576, {.resize = Resize::kNative}, {}, 64.0 / 45);
  EXPECT_EQ(result.width, 1024);
  EXPECT_EQ(result.height, 576);
  EXPECT_EQ(result.crop_width, 720);
}

TEST(VideoGeometry, ACropOutsideThePictureIsRefused) {
  EXPECT_THROW(plan(100, 100, {.crop = CropBox{200, 300, 0, 50}}), Error);
}

}  // namespace
}  // namespace muybridge
