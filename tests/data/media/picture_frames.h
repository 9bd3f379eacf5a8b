#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "data/media/picture/video_colors.h"
#include "data/media/picture/video_picture.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
}

namespace muybridge {

struct FrameDelete {
  void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};
using TestFrame = std::unique_ptr<AVFrame, FrameDelete>;

inline TestFrame blank_frame(AVPixelFormat format, int width, int height) {
  TestFrame frame(av_frame_alloc());
  frame->format = format;
  frame->width = width;
  frame->height = height;
  EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0) << av_get_pix_fmt_name(format);
  for (int plane = 0; plane < 4 && frame->buf[plane] != nullptr; ++plane) {
    std::memset(frame->buf[plane]->data, 0, frame->buf[plane]->size);
  }
  return frame;
}

// Sets a sample of a format of whole little-endian samples, planar or packed.
inline void set_sample(AVFrame& frame, int component, int x, int y, int value) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const AVComponentDescriptor at = format->comp[component];
  std::uint8_t* place =
      frame.data[at.plane] + y * frame.linesize[at.plane] + x * at.step + at.offset;
  const int stored = value << at.shift;
  *place = static_cast<std::uint8_t>(stored);
  if (at.depth > 8) place[1] = static_cast<std::uint8_t>(stored >> 8);
}

// Shares of red and blue in luma, by the standards.
inline std::array<double, 2> luma_shares(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return {0.2126, 0.0722};
    case AVCOL_SPC_FCC:
      return {0.30, 0.11};
    case AVCOL_SPC_SMPTE240M:
      return {0.212, 0.087};
    case AVCOL_SPC_BT2020_NCL:
      return {0.2627, 0.0593};
    default:
      return {0.299, 0.114};
  }
}

// R'G'B' of 0 .. 1 to Y, Cb, Cr as they are stored, by the definition in double precision.
inline std::array<double, 3> stored_yuv(const std::array<double, 3>& rgb, AVColorSpace matrix,
                                        bool full_range, int depth) {
  const double top = (1 << depth) - 1;
  const double unit = 1 << (depth - 8);
  std::array<double, 3> yuv{};  // 0 .. 1, -0.5 .. 0.5
  if (matrix == AVCOL_SPC_YCGCO) {
    yuv[0] = 0.25 * rgb[0] + 0.5 * rgb[1] + 0.25 * rgb[2];
    yuv[1] = -0.25 * rgb[0] + 0.5 * rgb[1] - 0.25 * rgb[2];
    yuv[2] = 0.5 * rgb[0] - 0.5 * rgb[2];
  } else {
    const auto [red, blue] = luma_shares(matrix);
    yuv[0] = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2];
    yuv[1] = (rgb[2] - yuv[0]) / (2 * (1 - blue));
    yuv[2] = (rgb[0] - yuv[0]) / (2 * (1 - red));
  }
  const double middle = 128 * unit;
  if (full_range) return {yuv[0] * top, yuv[1] * top + middle, yuv[2] * top + middle};
  // ITU-T H.273 makes YCgCo of R, G, B that are of limited range already.
  const double chroma = unit * (matrix == AVCOL_SPC_YCGCO ? 219 : 224);
  return {16 * unit + 219 * unit * yuv[0], middle + chroma * yuv[1], middle + chroma * yuv[2]};
}

// What is shown of stored samples of 8 bits; `channel` is 0 for red.
inline double shown_channel(const std::array<double, 3>& yuv, AVColorSpace matrix, bool full_range,
                            int channel) {
  const auto [red, blue] = luma_shares(matrix);
  const double luma = full_range ? yuv[0] : (yuv[0] - 16) * 255 / 219;
  const double scale = full_range ? 1 : 255.0 / 224;
  const double b = luma + (yuv[1] - 128) * scale * 2 * (1 - blue);
  const double r = luma + (yuv[2] - 128) * scale * 2 * (1 - red);
  const double g = (luma - red * r - blue * b) / (1 - red - blue);
  return std::min(std::max(channel == 0 ? r : channel == 1 ? g : b, 0.0), 255.0);
}

inline PicturePlan whole_plan(int width, int height) {
  return plan_picture(width, height, 1, {}, {});
}

inline std::vector<std::uint8_t> converted(PictureConverter& converter, const AVFrame& frame,
                                           const PicturePlan& plan) {
  std::vector<std::uint8_t> rgb(std::size_t{3} *
                                static_cast<std::size_t>(plan.width * plan.height));
  converter.convert(frame, plan, {}, rgb.data());
  return rgb;
}

}  // namespace muybridge
