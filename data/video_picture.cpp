#include "data/video_picture.h"

#include <algorithm>
#include <cstring>

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

void PictureConverter::prepare_scaler(const AVFrame& picture, const PicturePlan& plan) {
  bool full_range = picture.color_range == AVCOL_RANGE_JPEG;
  const int format = plain_format(picture.format, full_range);
  const int matrix = color_matrix(picture);
  const int key[8] = {format,
                      matrix,
                      full_range,
                      picture.width,
                      picture.height,
                      plan.scaled_width,
                      plan.scaled_height,
                      1};
  if (std::equal(std::begin(key), std::end(key), std::begin(key_))) return;

  const bool scales = picture.width != plan.scaled_width || picture.height != plan.scaled_height;
  scaler_.reset(sws_getContext(picture.width, picture.height, static_cast<AVPixelFormat>(format),
                               plan.scaled_width, plan.scaled_height, AV_PIX_FMT_RGB24,
                               scales ? SWS_BICUBIC : SWS_POINT, nullptr, nullptr, nullptr));
  if (!scaler_) {
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(picture.format));
    fail(ExitCode::kCorrupt, "pictures of format {} and {}x{} cannot be converted",
         name == nullptr ? "?" : name, picture.width, picture.height);
  }
  const int* coefficients = sws_getCoefficients(matrix);
  sws_setColorspaceDetails(scaler_.get(), coefficients, full_range, coefficients, 1, 0, 1 << 16,
                           1 << 16);
  std::copy(std::begin(key), std::end(key), std::begin(key_));
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

  prepare_scaler(*view, plan);
  const bool turns = orientation != Orientation{};
  const std::size_t bytes = std::size_t{3} * plan.scaled_width * plan.scaled_height;
  if (turns) turned_.resize(bytes + kPictureSlack);
  std::uint8_t* const rows[4] = {turns ? turned_.data() : rgb};
  const int stride[4] = {3 * plan.scaled_width};
  const int scaled =
      sws_scale(scaler_.get(), view->data, view->linesize, 0, view->height, rows, stride);
  if (scaled != plan.scaled_height) fail(ExitCode::kCorrupt, "a picture cannot be scaled");
  if (turns) turn(turned_.data(), plan.scaled_height, plan.scaled_width, orientation, rgb);
}

}  // namespace muybridge
