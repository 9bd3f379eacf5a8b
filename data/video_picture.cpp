#include "data/video_picture.h"

#include <algorithm>

#include "data/video_input.h"

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

int color_matrix(const AVFrame& picture) {
  switch (picture.colorspace) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return SWS_CS_ITU601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    default:
      return picture.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

// Colour at half the resolution or less.
bool has_coarse_color(int format) {
  const AVPixFmtDescriptor* about = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  return about != nullptr && about->nb_components == 3 && about->log2_chroma_w > 0;
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

PictureConverter::Scaler PictureConverter::make_scaler(Size from, int from_format, Size to,
                                                       int to_format, Colors colors) {
  const bool scales = from.width != to.width || from.height != to.height;
  const int flags = (scales ? SWS_BICUBIC : SWS_POINT) |
                    (has_coarse_color(from_format) ? 0 : SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP);
  Scaler scaler(sws_getContext(from.width, from.height, static_cast<AVPixelFormat>(from_format),
                               to.width, to.height, static_cast<AVPixelFormat>(to_format), flags,
                               nullptr, nullptr, nullptr));
  if (!scaler) {
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(from_format));
    fail(ExitCode::kCorrupt, "pictures of format {} and {}x{} cannot be converted",
         name == nullptr ? "?" : name, from.width, from.height);
  }
  const int* coefficients = sws_getCoefficients(colors.matrix);
  const bool to_rgb = to_format == AV_PIX_FMT_RGB24;
  sws_setColorspaceDetails(scaler.get(), coefficients, colors.full_range, coefficients,
                           to_rgb || colors.full_range, 0, 1 << 16, 1 << 16);
  return scaler;
}

// swscale is fast from YUV to YUV of another size and from YUV to RGB of the same size, but not at
// both at once: a picture of coarse colour that is scaled goes over 4:2:2, two to four times
// faster.
void PictureConverter::prepare(const AVFrame& picture, const PicturePlan& plan) {
  Colors colors{color_matrix(picture), picture.color_range == AVCOL_RANGE_JPEG};
  const int format = plain_format(picture.format, colors.full_range);
  const std::array<int, 7> key = {
      format,         colors.matrix,     colors.full_range, picture.width,
      picture.height, plan.scaled_width, plan.scaled_height};
  if (key == key_) return;
  key_ = {};
  const Size from{picture.width, picture.height};
  const Size to{plan.scaled_width, plan.scaled_height};
  const bool scales = from.width != to.width || from.height != to.height;
  if (scales && has_coarse_color(format)) {
    resized_.reset(av_frame_alloc());
    resized_->format = AV_PIX_FMT_YUV422P;
    resized_->width = to.width;
    resized_->height = to.height;
    if (av_frame_get_buffer(resized_.get(), 0) < 0) fail(ExitCode::kCorrupt, "out of memory");
    resizer_ = make_scaler(from, format, to, AV_PIX_FMT_YUV422P, colors);
    painter_ = make_scaler(to, AV_PIX_FMT_YUV422P, to, AV_PIX_FMT_RGB24, colors);
  } else {
    resizer_.reset();
    painter_ = make_scaler(from, format, to, AV_PIX_FMT_RGB24, colors);
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
  const AVFrame* source = view.get();
  if (resizer_) {
    const int resized = sws_scale(resizer_.get(), view->data, view->linesize, 0, view->height,
                                  resized_->data, resized_->linesize);
    if (resized != plan.scaled_height) fail(ExitCode::kCorrupt, "a picture cannot be scaled");
    source = resized_.get();
  }
  const bool turns = orientation != Orientation{};
  const std::size_t bytes = std::size_t{3} * plan.scaled_width * plan.scaled_height;
  if (turns) turned_.resize(bytes + kPictureSlack);
  std::uint8_t* const rows[4] = {turns ? turned_.data() : rgb};
  const int stride[4] = {3 * plan.scaled_width};
  const int painted =
      sws_scale(painter_.get(), source->data, source->linesize, 0, source->height, rows, stride);
  if (painted != plan.scaled_height) fail(ExitCode::kCorrupt, "a picture cannot be converted");
  if (turns) turn(turned_.data(), plan.scaled_height, plan.scaled_width, orientation, rgb);
}

}  // namespace muybridge
