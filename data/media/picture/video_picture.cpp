#include "data/media/picture/video_picture.h"

#include "core/error.h"
#include "data/media/picture/video_turn.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace muybridge {
namespace {

bool scales(const PicturePlan& plan) {
  return plan.crop_width != plan.scaled_width || plan.crop_height != plan.scaled_height;
}

// Y'CbCr 4:2:0 of 8 bits in three planes.
bool is_common(int format) { return format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P; }

}  // namespace

void PictureConverter::note_conversions(const PictureColors& colors) {
  if (is_hdr(colors)) {
    notes_.add(fmt::format("HDR ({}) tone-mapped to BT.709",
                           colors.transfer == AVCOL_TRC_SMPTE2084 ? "PQ" : "HLG"));
  } else if (has_wide_primaries(colors)) {
    notes_.add(fmt::format("colours converted from {} to BT.709", name_of(colors.primaries)));
  }
  if (colors.transfer == AVCOL_TRC_LINEAR || colors.transfer == AVCOL_TRC_LOG ||
      colors.transfer == AVCOL_TRC_LOG_SQRT) {
    notes_.add("linear or logarithmic light converted to sRGB");
  }
}

void PictureConverter::prepare(const AVFrame& picture, const PicturePlan& plan) {
  const AVFrameSideData* icc = av_frame_get_side_data(&picture, AV_FRAME_DATA_ICC_PROFILE);
  const Kind kind{.format = picture.format,
                  .width = picture.width,
                  .height = picture.height,
                  .matrix = picture.colorspace,
                  .primaries = picture.color_primaries,
                  .transfer = picture.color_trc,
                  .range = picture.color_range,
                  .chroma = picture.chroma_location,
                  .icc_bytes = icc == nullptr ? 0 : static_cast<std::size_t>(icc->size),
                  .plan = plan};
  if (kind_ == kind) return;
  kind_.reset();
  painter_.reset();
  graph_.reset();
  tone_map_.reset();
  colors_ = colors_of(picture, source_.still, notes_);
  note_conversions(colors_);
  if (is_common(picture.format) && !scales(plan)) painter_ = PicturePainter::of(colors_);
  if (is_hdr(colors_)) tone_map_.emplace(colors_);
  kind_ = kind;
}

void PictureConverter::run_graph(const AVFrame& picture, const PicturePlan& plan,
                                 std::uint8_t* rgb) {
  const PlaneMargins margins =
      margins_for(layout_of(picture.format), plan, picture.width, picture.height);
  const Planes planes = planes_.read(picture, margins);
  if (!graph_) {
    graph_.emplace(planes, colors_, plan,
                   GraphOutput{plan.scaled_width, plan.scaled_height, tone_map_.has_value()},
                   source_.premultiplied);
  }
  const bool alpha = planes.layout.alpha;
  bool transparent = false;
  graph_->run(planes, [&](const PictureGraph::Span& span) {
    std::uint8_t* const out =
        rgb +
        std::size_t{3} * (static_cast<std::size_t>(span.row) * plan.scaled_width + span.begin);
    const int count = span.end - span.begin;
    if (tone_map_) {
      const auto* const* deep = reinterpret_cast<const std::uint16_t* const*>(span.planes.data());
      tone_map_->map(deep[0], deep[1], deep[2], count, out);
      if (alpha) transparent |= lay_over_white(deep[3], count, out);
      return;
    }
    const auto* const* rows = reinterpret_cast<const std::uint8_t* const*>(span.planes.data());
    if (!alpha) return interleave_rgb(rows[0], rows[1], rows[2], count, out);
    transparent |= lay_over_white(rows[0], rows[1], rows[2], rows[3], count, out);
  });
  if (transparent) notes_.add("transparent parts laid over white");
}

void PictureConverter::convert(const AVFrame& picture, const PicturePlan& plan,
                               Orientation orientation, std::uint8_t* rgb) {
  prepare(picture, plan);
  const bool turns = orientation != Orientation{};
  if (turns) {
    turned_.resize(std::size_t{3} * static_cast<std::size_t>(plan.scaled_width) *
                   static_cast<std::size_t>(plan.scaled_height));
  }
  std::uint8_t* const straight = turns ? turned_.data() : rgb;
  if (painter_) {
    painter_->paint(picture, plan, straight);
  } else {
    run_graph(picture, plan, straight);
  }
  if (turns) turn_rgb(straight, plan.scaled_height, plan.scaled_width, orientation, rgb);
}

}  // namespace muybridge
