#include "data/media/picture_stream.h"

#include <fmt/format.h>

#include <utility>

extern "C" {
#include <libavcodec/codec_desc.h>
}

namespace muybridge {
namespace {

constexpr double kUsualRate = 25;  // pictures a second where a file says nothing

// Lossless codecs of single pictures do not know of fields: what the container says holds.
void flag_fields(const AVCodecParameters& codec, AVFrame& frame) {
  const AVFieldOrder order = codec.field_order;
  if (order != AV_FIELD_TT && order != AV_FIELD_BB && order != AV_FIELD_TB &&
      order != AV_FIELD_BT) {
    return;
  }
  constexpr int kPlain = AV_CODEC_PROP_INTRA_ONLY | AV_CODEC_PROP_LOSSLESS;
  const AVCodecDescriptor* about = avcodec_descriptor_get(codec.codec_id);
  if (about == nullptr || (about->props & kPlain) != kPlain || frame.interlaced_frame != 0) return;
  frame.interlaced_frame = 1;
  frame.top_field_first = order == AV_FIELD_TT || order == AV_FIELD_BT ? 1 : 0;
}

}  // namespace

PictureStream::PictureStream(FileHandle file, std::int64_t max_pixels, int threads,
                             VideoNotes& notes)
    : input_(std::move(file), max_pixels, threads),
      notes_(notes),
      clock_(av_q2d(input_.stream().time_base),
             1 / (input_.container().rate() > 0 ? input_.container().rate() : kUsualRate)) {}

bool PictureStream::read(TimedPicture& picture) {
  av_frame_unref(picture.frame.get());
  if (!input_.next(*picture.frame)) return false;
  flag_fields(*input_.stream().codecpar, *picture.frame);
  picture.time = clock_.place(input_.ticks(), picture.frame->pkt_duration);
  return true;
}

bool PictureStream::next(TimedPicture& picture) {
  if (!deinterlaces_) {
    if (!read(picture)) return false;
    if (input_.container().is_image() || !is_interlaced(*picture.frame)) return true;
    deinterlaces_ = true;
    deinterlacer_.push(std::exchange(picture, TimedPicture{}));
  }
  while (!deinterlacer_.pop(picture)) {
    if (ended_) return false;
    if (read(picture)) {
      deinterlacer_.push(std::exchange(picture, TimedPicture{}));
    } else {
      deinterlacer_.finish();
      ended_ = true;
    }
  }
  const std::string& failure = deinterlacer_.failure();
  notes_.add(failure.empty() ? "interlaced: made whole (bwdif)"
                             : fmt::format("interlaced, and used as it is: {}", failure));
  return true;
}

}  // namespace muybridge
