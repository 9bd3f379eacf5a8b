#include "data/media/picture/video_colors.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "data/media/picture/icc_profile.h"

extern "C" {
#include <libavutil/dovi_meta.h>
#include <libavutil/pixdesc.h>
}

namespace muybridge {
namespace {

constexpr int kHdLines = 720;
constexpr int kHdColumns = 1280;

bool is_hdr_transfer(AVColorTransferCharacteristic transfer) {
  return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

bool is_jpeg_format(int format) {
  return format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P ||
         format == AV_PIX_FMT_YUVJ444P || format == AV_PIX_FMT_YUVJ440P ||
         format == AV_PIX_FMT_YUVJ411P;
}

// Dolby Vision without a base layer for other screens keeps its colours as IPT.
void refuse_ipt(const AVFrame& picture) {
  const AVFrameSideData* side = av_frame_get_side_data(&picture, AV_FRAME_DATA_DOVI_METADATA);
  if (side == nullptr) return;
  const auto* dovi = reinterpret_cast<const AVDOVIMetadata*>(side->data);
  constexpr int kIpt = 2;
  if (av_dovi_get_color(dovi)->signal_color_space == kIpt) {
    fail(ExitCode::kCorrupt,
         "Dolby Vision without colours for other screens (profile 5); convert it to HDR10 first");
  }
}

AVColorSpace matrix_of(const AVFrame& picture, bool still, VideoNotes& notes) {
  switch (picture.colorspace) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_YCGCO:
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
    case AVCOL_SPC_CHROMA_DERIVED_NCL:
    case AVCOL_SPC_CHROMA_DERIVED_CL:
    case AVCOL_SPC_ICTCP:
      return picture.colorspace;
    default:
      break;
  }
  const bool marked = picture.colorspace != AVCOL_SPC_UNSPECIFIED;
  const bool wide =
      picture.color_primaries == AVCOL_PRI_BT2020 || is_hdr_transfer(picture.color_trc);
  const bool hd = picture.height >= kHdLines || picture.width >= kHdColumns;
  const AVColorSpace guess = wide           ? AVCOL_SPC_BT2020_NCL
                             : hd && !still ? AVCOL_SPC_BT709
                                            : AVCOL_SPC_SMPTE170M;
  const char* name = wide ? "BT.2020" : hd && !still ? "BT.709" : "BT.601";
  if (marked) {
    notes.add(fmt::format("colour matrix {} is not known: taken as {}",
                          static_cast<int>(picture.colorspace), name));
  } else if (wide) {
    notes.add("colour matrix not marked: taken as BT.2020, as primaries and transfer say");
  } else if (!still) {
    notes.add(fmt::format("colour matrix not marked: taken as {} for the size", name));
  }
  return guess;
}

AVColorPrimaries primaries_of(const AVFrame& picture, AVColorSpace matrix) {
  switch (picture.color_primaries) {
    case AVCOL_PRI_BT2020:
    case AVCOL_PRI_SMPTE431:
    case AVCOL_PRI_SMPTE432:
      return picture.color_primaries;
    case AVCOL_PRI_UNSPECIFIED:
    case AVCOL_PRI_RESERVED0: {
      const bool wide = matrix == AVCOL_SPC_BT2020_NCL || matrix == AVCOL_SPC_BT2020_CL ||
                        matrix == AVCOL_SPC_ICTCP || is_hdr_transfer(picture.color_trc);
      return wide ? AVCOL_PRI_BT2020 : AVCOL_PRI_BT709;
    }
    default:
      return AVCOL_PRI_BT709;
  }
}

// Pictures without tags may say their primaries by an ICC profile, as photographs of phones do.
void apply_icc_profile(const AVFrame& picture, PictureColors& colors, VideoNotes& notes) {
  const AVFrameSideData* side = av_frame_get_side_data(&picture, AV_FRAME_DATA_ICC_PROFILE);
  if (side == nullptr || picture.color_primaries != AVCOL_PRI_UNSPECIFIED) return;
  switch (icc_colors({side->data, static_cast<std::size_t>(side->size)})) {
    case IccColors::kSrgb:
      break;
    case IccColors::kDisplayP3:
      colors.primaries = AVCOL_PRI_SMPTE432;
      colors.transfer = AVCOL_TRC_IEC61966_2_1;
      break;
    case IccColors::kOther:
      notes.add("its ICC profile is neither sRGB nor Display P3: taken as sRGB");
      break;
  }
}

}  // namespace

PictureColors colors_of(const AVFrame& picture, bool still, VideoNotes& notes) {
  refuse_ipt(picture);
  const AVPixFmtDescriptor* format =
      av_pix_fmt_desc_get(static_cast<AVPixelFormat>(picture.format));
  if (format == nullptr) fail(ExitCode::kCorrupt, "a picture of no known format");
  const bool rgb = (format->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0 ||
                   std::string_view(format->name).starts_with("xyz");
  const bool gray = !rgb && format->nb_components <= 2;

  PictureColors colors;
  if (rgb || gray) {
    colors.matrix = AVCOL_SPC_RGB;
    colors.full_range = rgb || picture.color_range != AVCOL_RANGE_MPEG;
  } else {
    colors.matrix = matrix_of(picture, still, notes);
    colors.full_range = picture.color_range == AVCOL_RANGE_JPEG || is_jpeg_format(picture.format) ||
                        (still && picture.color_range == AVCOL_RANGE_UNSPECIFIED);
  }
  if (!gray) colors.primaries = primaries_of(picture, colors.matrix);
  if (picture.color_trc != AVCOL_TRC_UNSPECIFIED && picture.color_trc != AVCOL_TRC_RESERVED0) {
    colors.transfer = picture.color_trc;
  }
  if ((format->flags & AV_PIX_FMT_FLAG_FLOAT) != 0 && picture.color_trc == AVCOL_TRC_UNSPECIFIED) {
    colors.transfer = AVCOL_TRC_LINEAR;
  }
  if (!gray) apply_icc_profile(picture, colors, notes);
  if (picture.chroma_location != AVCHROMA_LOC_UNSPECIFIED) {
    colors.chroma = picture.chroma_location;
  } else if (still) {
    colors.chroma = AVCHROMA_LOC_CENTER;
  }
  return colors;
}

bool is_hdr(const PictureColors& colors) { return is_hdr_transfer(colors.transfer); }

bool has_wide_primaries(const PictureColors& colors) { return colors.primaries != AVCOL_PRI_BT709; }

std::string name_of(AVColorPrimaries primaries) {
  switch (primaries) {
    case AVCOL_PRI_BT2020:
      return "BT.2020";
    case AVCOL_PRI_SMPTE431:
      return "DCI-P3";
    case AVCOL_PRI_SMPTE432:
      return "Display P3";
    default:
      return "BT.709";
  }
}

}  // namespace muybridge
