#include "data/media/picture/video_planes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/error.h"
#include "tests/data/media/picture_frames.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace muybridge {
namespace {

TestFrame noise(AVPixelFormat format, int width, int height) {
  TestFrame frame = blank_frame(format, width, height);
  std::mt19937 random(3);
  for (int plane = 0; plane < 4 && frame->buf[plane] != nullptr; ++plane) {
    for (std::size_t i = 0; i < frame->buf[plane]->size; ++i) {
      frame->buf[plane]->data[i] = static_cast<std::uint8_t>(random());
    }
  }
  return frame;
}

// All formats that stand in memory.
std::vector<AVPixelFormat> all_formats() {
  std::vector<AVPixelFormat> formats;
  for (const AVPixFmtDescriptor* about = av_pix_fmt_desc_next(nullptr); about != nullptr;
       about = av_pix_fmt_desc_next(about)) {
    if ((about->flags & AV_PIX_FMT_FLAG_HWACCEL) == 0) {
      formats.push_back(av_pix_fmt_desc_get_id(about));
    }
  }
  return formats;
}

int sample(const Planes& planes, int plane, int x, int y) {
  const std::uint8_t* row = planes.data[plane] + y * planes.stride[plane];
  if (planes.layout.type == ZIMG_PIXEL_BYTE) return row[x];
  std::uint16_t value;
  std::memcpy(&value, row + 2 * x, 2);
  return value;
}

bool is_plain(const AVPixFmtDescriptor& about) {
  return (about.flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT)) ==
             0 &&
         !std::string_view(about.name).starts_with("xyz");
}

// Every component where libav says it is, with and without margins.
TEST(VideoPlanes, EveryFormatIsTakenApartWithoutLoss) {
  int formats = 0;
  for (const AVPixelFormat format : all_formats()) {
    const AVPixFmtDescriptor& about = *av_pix_fmt_desc_get(format);
    if (!is_plain(about)) continue;
    ++formats;
    const TestFrame frame = noise(format, 36, 12);
    PlaneReader reader;
    const bool has_colors = about.nb_components > 2;
    for (const PlaneMargins margins : {PlaneMargins{0, 0}, PlaneMargins{8, 16}}) {
      const Planes planes = reader.read(*frame, margins);
      for (int c = 0; c < about.nb_components; ++c) {
        const bool alpha =
            (about.flags & AV_PIX_FMT_FLAG_ALPHA) != 0 && c == about.nb_components - 1;
        const int plane = alpha ? 3 : c;
        const bool chroma = !alpha && has_colors && c > 0 && planes.layout.family == ZIMG_COLOR_YUV;
        const int width = chroma ? 36 >> about.log2_chroma_w : 36;
        const int height = chroma ? 12 >> about.log2_chroma_h : 12;
        const int left = chroma ? planes.left >> about.log2_chroma_w : planes.left;
        const int top = chroma ? planes.top >> about.log2_chroma_h : planes.top;
        const int depth = about.comp[c].depth;
        std::vector<std::uint16_t> wanted(36);
        for (int y = 0; y < height; ++y) {
          const std::uint8_t* data[4];
          std::copy_n(frame->data, 4, data);
          av_read_image_line2(wanted.data(), data, frame->linesize, &about, 0, y, c, width, 0, 2);
          for (int x = 0; x < width; ++x) {
            int value = wanted[x];
            if (format == AV_PIX_FMT_MONOWHITE) value = 1 - value;
            if (depth < 8) {
              value = static_cast<int>(std::lround(value * 255.0 / ((1 << depth) - 1)));
            }
            // Planes that are taken as they lie keep stray bits above their depth.
            const int bits = (1 << std::max(depth, 8)) - 1;
            ASSERT_EQ(sample(planes, plane, left + x, top + y) & bits, value)
                << about.name << " component " << c << " at " << x << "," << y;
          }
        }
      }
    }
  }
  EXPECT_GT(formats, 140);
}

TEST(VideoPlanes, PalettesBecomeTheirColors) {
  const TestFrame frame = blank_frame(AV_PIX_FMT_PAL8, 2, 1);
  frame->data[0][1] = 7;
  const std::uint32_t color = 0x80112233;  // alpha, red, green, blue
  std::memcpy(frame->data[1] + 4 * 7, &color, 4);
  PlaneReader reader;
  const Planes planes = reader.read(*frame, {});
  EXPECT_TRUE(planes.layout.alpha);
  EXPECT_EQ(sample(planes, 0, 1, 0), 0x11);
  EXPECT_EQ(sample(planes, 1, 1, 0), 0x22);
  EXPECT_EQ(sample(planes, 2, 1, 0), 0x33);
  EXPECT_EQ(sample(planes, 3, 1, 0), 0x80);
}

TEST(VideoPlanes, MarginsAndOddSizesRepeatTheEdge) {
  const TestFrame frame = noise(AV_PIX_FMT_YUV420P10LE, 5, 3);
  PlaneReader reader;
  const Planes planes = reader.read(*frame, {4, 2});
  EXPECT_EQ(planes.width, 6 + 8);
  EXPECT_EQ(planes.height, 4 + 4);
  for (int plane = 0; plane < 3; ++plane) {
    const int half = plane == 0 ? 0 : 1;
    const int width = plane == 0 ? 5 : 3, height = plane == 0 ? 3 : 2;
    for (int y = 0; y < planes.height >> half; ++y) {
      for (int x = 0; x < planes.width >> half; ++x) {
        const int from_x = std::clamp(x - (4 >> half), 0, width - 1) + (4 >> half);
        const int from_y = std::clamp(y - (2 >> half), 0, height - 1) + (2 >> half);
        ASSERT_EQ(sample(planes, plane, x, y), sample(planes, plane, from_x, from_y));
      }
    }
  }
}

TEST(VideoPlanes, PlanesThatZimgCanReadAreNotCopied) {
  const TestFrame frame = noise(AV_PIX_FMT_GRAY8, 256, 32);
  PlaneReader reader;
  EXPECT_EQ(reader.read(*frame, {}).data[0], frame->data[0]);
  EXPECT_NE(reader.read(*frame, {2, 2}).data[0], frame->data[0]);
}

// Whatever the format, from one pixel on: a picture of the size asked for, or a reason.
TEST(VideoPlanes, EveryFormatAndSizeCanBeConverted) {
  std::vector<std::string> refused;
  for (const AVPixelFormat format : all_formats()) {
    for (const auto& [width, height] : {std::pair{1, 1}, {3, 5}, {34, 18}}) {
      // A mosaic of one pixel lacks colours.
      const bool mosaic = (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_BAYER) != 0;
      if (mosaic && width < 2) continue;
      const TestFrame frame = noise(format, width, height);
      for (const auto& [to_width, to_height] :
           {std::pair{width, height}, {1, 1}, {2, 7}, {40, 20}}) {
        const PicturePlan plan =
            plan_picture(width, height, 1, {},
                         {.resize = Resize::kCover, .width = to_width, .height = to_height});
        try {
          PictureConverter converter;
          converted(converter, *frame, plan);
        } catch (const Error& error) {
          refused.push_back(av_get_pix_fmt_name(format) + std::string(": ") + error.what());
        }
      }
    }
  }
  EXPECT_TRUE(refused.empty()) << refused.size() << " of them, such as " << refused.front();
}

}  // namespace
}  // namespace muybridge
