#include "data/media/video_picture.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace muybridge {
namespace {

// The "j" formats say full range by their name; swscale wants it said apart.
int plain_format(int format, bool& full_range) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      full_range = true;
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      full_range = true;
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      full_range = true;
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      full_range = true;
      return AV_PIX_FMT_YUV440P;
    default:
      return format;
  }
}

struct ColorMatrix {
  int swscale;
  double red;
  double blue;
};

ColorMatrix color_matrix(const AVFrame& picture) {
  constexpr ColorMatrix kBt601{SWS_CS_ITU601, 0.299, 0.114};
  constexpr ColorMatrix kBt709{SWS_CS_ITU709, 0.2126, 0.0722};
  switch (picture.colorspace) {
    case AVCOL_SPC_BT709:
      return kBt709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return kBt601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return {SWS_CS_BT2020, 0.2627, 0.0593};
    case AVCOL_SPC_SMPTE240M:
      return {SWS_CS_SMPTE240M, 0.212, 0.087};
    case AVCOL_SPC_FCC:
      return {SWS_CS_FCC, 0.30, 0.11};
    default:
      return picture.height >= 720 ? kBt709 : kBt601;
  }
}

bool is_yuv(int format) {
  const AVPixFmtDescriptor* about = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  return about != nullptr && about->nb_components == 3 &&
         (about->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) == 0;
}

bool has_full_color(int format) {
  const AVPixFmtDescriptor* about = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  return about != nullptr && about->log2_chroma_w == 0 && about->log2_chroma_h == 0;
}

// from [height, width, 3] turned into `to`; `mirror` is applied first.
void turn(const std::uint8_t* from, int height, int width, Orientation orientation,
          std::uint8_t* to) {
  const bool sideways = orientation.quarter_turns % 2 != 0;
  const int out_width = sideways ? height : width;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int mx = orientation.mirror ? width - 1 - x : x;
      int out_x = mx;
      int out_y = y;
      switch (orientation.quarter_turns) {
        case 1:
          out_x = height - 1 - y, out_y = mx;
          break;
        case 2:
          out_x = width - 1 - mx, out_y = height - 1 - y;
          break;
        case 3:
          out_x = y, out_y = width - 1 - mx;
          break;
        default:
          break;
      }
      const std::uint8_t* source = from + 3 * (std::size_t(y) * width + x);
      std::copy_n(source, 3, to + 3 * (std::size_t(out_y) * out_width + out_x));
    }
  }
}

}  // namespace

PictureConverter::PictureConverter() = default;
PictureConverter::~PictureConverter() = default;

void PictureConverter::ScalerCloser::operator()(SwsContext* scaler) const noexcept {
  sws_freeContext(scaler);
}

void PictureConverter::make_scaler(Size from, int from_format, Size to, int to_format, int matrix) {
  const bool scales = from.width != to.width || from.height != to.height;
  scaler_.reset(sws_getContext(from.width, from.height, static_cast<AVPixelFormat>(from_format),
                               to.width, to.height, static_cast<AVPixelFormat>(to_format),
                               scales ? SWS_BICUBIC : SWS_POINT, nullptr, nullptr, nullptr));
  if (!scaler_) {
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(from_format));
    fail(ExitCode::kCorrupt, "pictures of format {} and {}x{} cannot be converted",
         name == nullptr ? "?" : name, from.width, from.height);
  }
  const int* coefficients = sws_getCoefficients(matrix);
  const bool to_rgb = to_format == AV_PIX_FMT_RGB24;
  sws_setColorspaceDetails(scaler_.get(), coefficients, colors_.full_range, coefficients,
                           to_rgb || colors_.full_range, 0, 1 << 16, 1 << 16);
}

// swscale is fast from YUV to YUV of another size, and from coarse YUV to RGB of the same size; at
// both at once it is slow, and halves the resolution of colour. So what is scaled, and what has
// full colour, goes over planes of the size of the result.
void PictureConverter::prepare(const AVFrame& picture, const PicturePlan& plan) {
  bool full_range = picture.color_range == AVCOL_RANGE_JPEG;
  const int format = plain_format(picture.format, full_range);
  const ColorMatrix matrix = color_matrix(picture);
  const std::array<int, 7> key = {
      format,         matrix.swscale,    full_range,        picture.width,
      picture.height, plan.scaled_width, plan.scaled_height};
  if (key == key_) return;
  key_ = {};
  colors_ = {matrix.red, matrix.blue, full_range};
  const Size from{picture.width, picture.height};
  const Size to{plan.scaled_width, plan.scaled_height};
  const bool scales = from.width != to.width || from.height != to.height;
  planes_.reset();
  if (is_yuv(format) && (scales || has_full_color(format))) {
    planes_.reset(av_frame_alloc());
    planes_->format = AV_PIX_FMT_YUV444P;
    planes_->width = to.width;
    planes_->height = to.height;
    if (av_frame_get_buffer(planes_.get(), 0) < 0) fail(ExitCode::kCorrupt, "out of memory");
    make_scaler(from, format, to, AV_PIX_FMT_YUV444P, matrix.swscale);
  } else {
    make_scaler(from, format, to, AV_PIX_FMT_RGB24, matrix.swscale);
  }
  key_ = key;
}

void PictureConverter::convert(const AVFrame& picture, const PicturePlan& plan,
                               Orientation orientation, std::uint8_t* rgb) {
  const AvFrame view(av_frame_alloc());
  if (!view || av_frame_ref(view.get(), &picture) < 0) fail(ExitCode::kCorrupt, "out of memory");
  view->crop_left = static_cast<std::size_t>(plan.crop_x);
  view->crop_top = static_cast<std::size_t>(plan.crop_y);
  view->crop_right = static_cast<std::size_t>(picture.width - plan.crop_x - plan.crop_width);
  view->crop_bottom = static_cast<std::size_t>(picture.height - plan.crop_y - plan.crop_height);
  const int cropped = av_frame_apply_cropping(view.get(), AV_FRAME_CROP_UNALIGNED);
  if (cropped < 0) fail(ExitCode::kCorrupt, "a picture cannot be cropped: {}", av_reason(cropped));

  prepare(*view, plan);
  const bool turns = orientation != Orientation{};
  const std::size_t bytes = std::size_t{3} * static_cast<std::size_t>(plan.scaled_width) *
                            static_cast<std::size_t>(plan.scaled_height);
  if (turns) turned_.resize(bytes + kPictureSlack);
  std::uint8_t* const straight = turns ? turned_.data() : rgb;
  std::uint8_t* const rows[4] = {straight};
  const int stride[4] = {3 * plan.scaled_width};
  const int scaled =
      sws_scale(scaler_.get(), view->data, view->linesize, 0, view->height,
                planes_ ? planes_->data : rows, planes_ ? planes_->linesize : stride);
  if (scaled != plan.scaled_height) fail(ExitCode::kCorrupt, "a picture cannot be scaled");
  if (planes_) {
    YuvPlanes planes;
    std::copy_n(planes_->data, 3, planes.data);
    std::copy_n(planes_->linesize, 3, planes.stride);
    paint_rgb(planes, colors_, plan.scaled_height, plan.scaled_width, straight);
  }
  if (turns) turn(straight, plan.scaled_height, plan.scaled_width, orientation, rgb);
}

}  // namespace muybridge
