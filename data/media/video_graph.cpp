#include "data/media/video_graph.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr int kTaps = 2;  // the reach of a bicubic filter to each side, where nothing shrinks

[[noreturn]] void fail_zimg(const char* what) {
  char text[256] = {};
  const zimg_error_code_e code = zimg_get_last_error(text, sizeof(text));
  zimg_clear_last_error();
  if (code == ZIMG_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
  fail(ExitCode::kCorrupt, "{}: {}", what, text);
}

void check(zimg_error_code_e error, const char* what) {
  if (error != ZIMG_ERROR_SUCCESS) fail_zimg(what);
}

// Numbers of ITU-T H.273 both in libav and in zimg; those that zimg has no curve for are gammas
// near that of BT.709.
zimg_transfer_characteristics_e transfer_of(const PictureColors& colors) {
  switch (colors.transfer) {
    case AVCOL_TRC_SMPTE428:
    case AVCOL_TRC_BT1361_ECG:
      return ZIMG_TRANSFER_BT709;
    default:
      return static_cast<zimg_transfer_characteristics_e>(colors.transfer);
  }
}

bool is_linear_or_log(const PictureColors& colors) {
  return colors.transfer == AVCOL_TRC_LINEAR || colors.transfer == AVCOL_TRC_LOG ||
         colors.transfer == AVCOL_TRC_LOG_SQRT;
}

zimg_image_format format_of(const Planes& planes, const PictureColors& colors,
                            const PicturePlan& plan) {
  zimg_image_format format;
  zimg_image_format_default(&format, ZIMG_API_VERSION);
  const PlaneLayout& layout = planes.layout;
  format.width = static_cast<unsigned>(planes.width);
  format.height = static_cast<unsigned>(planes.height);
  format.pixel_type = layout.type;
  format.depth = static_cast<unsigned>(layout.depth);
  format.subsample_w = static_cast<unsigned>(layout.subsample_w);
  format.subsample_h = static_cast<unsigned>(layout.subsample_h);
  format.color_family = layout.family;
  format.pixel_range = colors.full_range ? ZIMG_RANGE_FULL : ZIMG_RANGE_LIMITED;
  // zimg counts the places of chroma from 0, libav from 1.
  format.chroma_location = static_cast<zimg_chroma_location_e>(colors.chroma - 1);
  format.matrix_coefficients = layout.family == ZIMG_COLOR_YUV
                                   ? static_cast<zimg_matrix_coefficients_e>(colors.matrix)
                                   : ZIMG_MATRIX_RGB;
  format.transfer_characteristics = transfer_of(colors);
  format.color_primaries = static_cast<zimg_color_primaries_e>(colors.primaries);
  format.alpha = layout.alpha ? ZIMG_ALPHA_STRAIGHT : ZIMG_ALPHA_NONE;
  format.active_region.left = planes.left + plan.crop_x;
  format.active_region.top = planes.top + plan.crop_y;
  format.active_region.width = plan.crop_width;
  format.active_region.height = plan.crop_height;
  if (layout.family == ZIMG_COLOR_GREY) format.matrix_coefficients = ZIMG_MATRIX_UNSPECIFIED;
  return format;
}

zimg_image_format result_of(const zimg_image_format& from, const PictureColors& colors,
                            const GraphOutput& output) {
  zimg_image_format format;
  zimg_image_format_default(&format, ZIMG_API_VERSION);
  format.width = static_cast<unsigned>(output.width);
  format.height = static_cast<unsigned>(output.height);
  format.pixel_type = output.deep ? ZIMG_PIXEL_WORD : ZIMG_PIXEL_BYTE;
  format.depth = output.deep ? 16 : 8;
  format.pixel_range = ZIMG_RANGE_FULL;
  format.color_family = ZIMG_COLOR_RGB;
  format.matrix_coefficients = ZIMG_MATRIX_RGB;
  format.transfer_characteristics = from.transfer_characteristics;
  format.color_primaries = from.color_primaries;
  if (from.alpha != ZIMG_ALPHA_NONE) {
    format.alpha = output.deep ? ZIMG_ALPHA_STRAIGHT : ZIMG_ALPHA_PREMULTIPLIED;
  }
  if (is_hdr(colors)) return format;
  format.color_primaries = ZIMG_PRIMARIES_BT709;
  if (is_linear_or_log(colors)) format.transfer_characteristics = ZIMG_TRANSFER_IEC_61966_2_1;
  return format;
}

int margin(int stored, int used, int wanted, int subsampling) {
  const double shrink = std::max(1.0, static_cast<double>(used) / wanted);
  const int reach = static_cast<int>(std::ceil(kTaps * shrink)) + 1;
  return stored >> subsampling > 2 * reach + 2 ? 0 : reach << subsampling;
}

}  // namespace

PlaneMargins margins_for(const PlaneLayout& layout, const PicturePlan& plan, int stored_width,
                         int stored_height) {
  return {margin(stored_width, plan.crop_width, plan.scaled_width, layout.subsample_w),
          margin(stored_height, plan.crop_height, plan.scaled_height, layout.subsample_h)};
}

PictureGraph::PictureGraph(const Planes& planes, const PictureColors& colors,
                           const PicturePlan& plan, const GraphOutput& output, bool premultiplied)
    : sample_bytes_(output.deep ? 2 : 1), alpha_(planes.layout.alpha) {
  zimg_image_format from = format_of(planes, colors, plan);
  if (alpha_ && premultiplied) from.alpha = ZIMG_ALPHA_PREMULTIPLIED;
  const zimg_image_format to = result_of(from, colors, output);
  zimg_graph_builder_params parameters;
  zimg_graph_builder_params_default(&parameters, ZIMG_API_VERSION);
  parameters.resample_filter = ZIMG_RESIZE_BICUBIC;
  parameters.filter_param_a = 0;
  parameters.filter_param_b = 0.5;
  parameters.resample_filter_uv = ZIMG_RESIZE_BILINEAR;
  parameters.cpu_type = ZIMG_CPU_AUTO_64B;
  parameters.allow_approximate_gamma = 1;
  graph_.reset(zimg_filter_graph_build(&from, &to, &parameters));
  if (!graph_) fail_zimg("a picture cannot be converted");

  std::size_t scratch = 0;
  unsigned lines = 0;
  check(zimg_filter_graph_get_tmp_size(graph_.get(), &scratch), "zimg's memory");
  check(zimg_filter_graph_get_output_buffering(graph_.get(), &lines), "zimg's rows");
  scratch_ = aligned_bytes(scratch);
  // A ring of a power of two rows, or the whole picture.
  const unsigned mask = zimg_select_buffer_mask(lines);
  const std::size_t rows =
      mask == ZIMG_BUFFER_MAX ? static_cast<std::size_t>(output.height) : std::size_t{mask} + 1;
  const std::size_t stride =
      (static_cast<std::size_t>(output.width) * static_cast<std::size_t>(sample_bytes_) +
       kPlaneAlignment - 1) /
      kPlaneAlignment * kPlaneAlignment;
  rows_ = aligned_bytes(4 * rows * stride);
  result_.version = ZIMG_API_VERSION;
  for (std::size_t plane = 0; plane < 4; ++plane) {
    result_.plane[plane].data = rows_.get() + plane * rows * stride;
    result_.plane[plane].stride = static_cast<std::ptrdiff_t>(stride);
    result_.plane[plane].mask = mask;
  }
}

void PictureGraph::run(const Planes& planes, const Sink& sink) {
  zimg_image_buffer_const source{};
  source.version = ZIMG_API_VERSION;
  for (std::size_t plane = 0; plane < 4; ++plane) {
    source.plane[plane].data = planes.data[plane];
    source.plane[plane].stride = planes.stride[plane];
    source.plane[plane].mask = ZIMG_BUFFER_MAX;
  }
  struct Call {
    const PictureGraph* graph;
    const Sink* sink;
  } call{this, &sink};
  const auto give = [](void* opaque, unsigned row, unsigned left, unsigned right) -> int {
    const Call& to = *static_cast<Call*>(opaque);
    Span span{static_cast<int>(row), static_cast<int>(left), static_cast<int>(right), {}};
    for (std::size_t plane = 0; plane < (to.graph->alpha_ ? 4U : 3U); ++plane) {
      const auto& place = to.graph->result_.plane[plane];
      span.planes[plane] = static_cast<const std::uint8_t*>(place.data) +
                           static_cast<std::ptrdiff_t>(row & place.mask) * place.stride +
                           std::ptrdiff_t{span.begin} * to.graph->sample_bytes_;
    }
    (*to.sink)(span);
    return 0;
  };
  check(zimg_filter_graph_process(graph_.get(), &source, &result_, scratch_.get(), nullptr, nullptr,
                                  give, &call),
        "a picture cannot be converted");
}

}  // namespace muybridge
