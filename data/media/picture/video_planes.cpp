#include "data/media/picture/video_planes.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/error.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace muybridge {
namespace {

const AVPixFmtDescriptor& about(int format) {
  const AVPixFmtDescriptor* found = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  if (found == nullptr) fail(ExitCode::kCorrupt, "a picture of no known format");
  return *found;
}

bool has_flag(const AVPixFmtDescriptor& format, std::uint64_t flag) {
  return (format.flags & flag) != 0;
}

// The format to which swscale brings what has no samples of its own for each colour; else the
// format itself.
int plain_format(int format) {
  const AVPixFmtDescriptor& from = about(format);
  if (has_flag(from, AV_PIX_FMT_FLAG_BAYER)) {
    return from.comp[0].depth > 8 ? AV_PIX_FMT_RGB48LE : AV_PIX_FMT_RGB24;
  }
  if (std::string_view(from.name).starts_with("xyz")) return AV_PIX_FMT_RGB48LE;
  return format;
}

std::size_t padded(std::size_t bytes) {
  return (bytes + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
}

int shifted_up(int value, int shift) { return -(-value >> shift); }

// A component of a picture as it lies in memory.
struct Component {
  const AVFrame* picture;
  const AVPixFmtDescriptor* format;
  int index;  // of the descriptor
  int out_bytes;

  AVComponentDescriptor place() const { return format->comp[index]; }
  const std::uint8_t* row(int y) const {
    const AVComponentDescriptor at = place();
    return picture->data[at.plane] + static_cast<std::ptrdiff_t>(y) * picture->linesize[at.plane];
  }
  bool whole_bytes() const {
    const AVComponentDescriptor at = place();
    return at.depth == 8 && at.shift == 0 && !has_flag(*format, AV_PIX_FMT_FLAG_BITSTREAM);
  }
  // Whether it is a plane of its own, as zimg reads them.
  bool is_plane() const {
    const AVComponentDescriptor at = place();
    const bool native = out_bytes == 1 || !has_flag(*format, AV_PIX_FMT_FLAG_BE);
    return at.step == out_bytes && at.offset == 0 && at.shift == 0 && native && at.depth >= 8 &&
           at.depth > 8 * (out_bytes - 1) &&
           !has_flag(*format, AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_PAL);
  }
};

// Samples of fewer than 8 bits, spread over 0 .. 255.
void widen(std::uint16_t* samples, int width, int depth, bool inverted) {
  const int most = (1 << depth) - 1;
  for (int x = 0; x < width; ++x) {
    const int value = inverted ? most - samples[x] : samples[x];
    samples[x] = static_cast<std::uint16_t>((value * 255 + most / 2) / most);
  }
}

void read_palette(const AVFrame& picture, int y, int channel, int width, std::uint8_t* out) {
  constexpr int kByteOf[4] = {2, 1, 0, 3};  // of 0xAARRGGBB, as it lies on our machines
  const std::uint8_t* index =
      picture.data[0] + static_cast<std::ptrdiff_t>(y) * picture.linesize[0];
  const std::uint8_t* palette = picture.data[1] + kByteOf[channel];
  for (int x = 0; x < width; ++x) out[x] = palette[4 * index[x]];
}

template <int Step>
void gather_bytes(const std::uint8_t* from, int width, std::uint8_t* out) {
  for (int x = 0; x < width; ++x) out[x] = from[Step * x];
}

void read_row(const Component& from, int y, int width, std::uint8_t* out,
              std::vector<std::uint16_t>& scratch) {
  const AVComponentDescriptor at = from.place();
  if (from.is_plane()) {
    std::memcpy(out, from.row(y), static_cast<std::size_t>(width) * from.out_bytes);
    return;
  }
  if (from.whole_bytes()) {
    const std::uint8_t* row = from.row(y) + at.offset;
    if (at.step == 2) return gather_bytes<2>(row, width, out);
    if (at.step == 3) return gather_bytes<3>(row, width, out);
    if (at.step == 4) return gather_bytes<4>(row, width, out);
  }
  const std::uint8_t* data[4];
  std::copy_n(from.picture->data, 4, data);
  if (from.out_bytes > 1) {
    av_read_image_line2(out, data, from.picture->linesize, from.format, 0, y, from.index, width, 0,
                        from.out_bytes);
    return;
  }
  scratch.resize(static_cast<std::size_t>(width));
  av_read_image_line2(scratch.data(), data, from.picture->linesize, from.format, 0, y, from.index,
                      width, 0, 2);
  const bool inverted = from.picture->format == AV_PIX_FMT_MONOWHITE;
  if (at.depth < 8 || inverted) widen(scratch.data(), width, at.depth, inverted);
  for (int x = 0; x < width; ++x) out[x] = static_cast<std::uint8_t>(scratch[x]);
}

// Repeats the samples at both ends of a row.
template <class T>
void spread(std::uint8_t* row, int left, int width, int right) {
  T* samples = reinterpret_cast<T*>(row);
  std::fill_n(samples, left, samples[left]);
  std::fill_n(samples + left + width, right, samples[left + width - 1]);
}

}  // namespace

AlignedBytes aligned_bytes(std::size_t bytes) {
  return AlignedBytes(new (std::align_val_t{kPlaneAlignment}) std::uint8_t[padded(bytes)]);
}

PlaneLayout layout_of(int pixel_format) {
  const AVPixFmtDescriptor& format = about(plain_format(pixel_format));
  if (has_flag(format, AV_PIX_FMT_FLAG_HWACCEL)) {
    fail(ExitCode::kCorrupt, "pictures of format {} cannot be read", format.name);
  }
  PlaneLayout layout;
  if (has_flag(format, AV_PIX_FMT_FLAG_PAL)) {
    layout.alpha = true;
    return layout;
  }
  const bool rgb = has_flag(format, AV_PIX_FMT_FLAG_RGB);
  layout.family = rgb                        ? ZIMG_COLOR_RGB
                  : format.nb_components > 2 ? ZIMG_COLOR_YUV
                                             : ZIMG_COLOR_GREY;
  layout.alpha = has_flag(format, AV_PIX_FMT_FLAG_ALPHA);
  layout.depth = 8;
  for (int i = 0; i < format.nb_components; ++i) {
    layout.depth = std::max(layout.depth, format.comp[i].depth);
  }
  layout.type = has_flag(format, AV_PIX_FMT_FLAG_FLOAT) ? ZIMG_PIXEL_FLOAT
                : layout.depth > 8                      ? ZIMG_PIXEL_WORD
                                                        : ZIMG_PIXEL_BYTE;
  if (layout.depth > 16 && layout.type != ZIMG_PIXEL_FLOAT) {
    fail(ExitCode::kCorrupt, "pictures of format {} cannot be read", format.name);
  }
  if (layout.family == ZIMG_COLOR_YUV) {
    layout.subsample_w = format.log2_chroma_w;
    layout.subsample_h = format.log2_chroma_h;
  }
  return layout;
}

PlaneReader::PlaneReader() = default;
PlaneReader::~PlaneReader() = default;

void PlaneReader::ScalerCloser::operator()(SwsContext* scaler) const noexcept {
  sws_freeContext(scaler);
}

const AVFrame& PlaneReader::without_mosaic(const AVFrame& picture) {
  const int format = plain_format(picture.format);
  if (format == picture.format) return picture;
  const std::array<int, 3> key = {picture.format, picture.width, picture.height};
  if (!scaler_ || key != scaler_key_) {
    scaler_.reset(sws_getContext(picture.width, picture.height,
                                 static_cast<AVPixelFormat>(picture.format), picture.width,
                                 picture.height, static_cast<AVPixelFormat>(format), SWS_BICUBIC,
                                 nullptr, nullptr, nullptr));
    plain_.reset(av_frame_alloc());
    if (!scaler_ || !plain_) fail(ExitCode::kCorrupt, "a picture cannot be converted");
    plain_->format = format;
    plain_->width = picture.width;
    plain_->height = picture.height;
    if (av_frame_get_buffer(plain_.get(), 0) < 0) throw std::bad_alloc();
    scaler_key_ = key;
  }
  if (sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, plain_->data,
                plain_->linesize) != picture.height) {
    fail(ExitCode::kCorrupt, "a picture cannot be converted");
  }
  return *plain_;
}

Planes PlaneReader::read(const AVFrame& source, PlaneMargins margins) {
  const AVFrame& picture = without_mosaic(source);
  const AVPixFmtDescriptor& format = about(picture.format);
  Planes planes;
  planes.layout = layout_of(picture.format);
  const PlaneLayout& layout = planes.layout;
  const bool palette = has_flag(format, AV_PIX_FMT_FLAG_PAL);
  const int colors = layout.family == ZIMG_COLOR_GREY ? 1 : 3;

  // Which component each plane of ours shows; -1: none.
  std::array<int, 4> component = {0, -1, -1, -1};
  if (colors == 3) component[1] = 1, component[2] = 2;
  if (layout.alpha) component[3] = palette ? 3 : format.nb_components - 1;
  const auto at = [&](int plane) {
    return Component{&picture, &format, component[plane], layout.sample_bytes()};
  };

  bool as_it_lies = margins.x == 0 && margins.y == 0 && !palette &&
                    picture.width % (1 << layout.subsample_w) == 0 &&
                    picture.height % (1 << layout.subsample_h) == 0;
  for (int plane = 0; plane < 4 && as_it_lies; ++plane) {
    if (component[plane] < 0) continue;
    const int lies_in = at(plane).place().plane;
    as_it_lies = at(plane).is_plane() &&
                 reinterpret_cast<std::uintptr_t>(picture.data[lies_in]) % kPlaneAlignment == 0 &&
                 picture.linesize[lies_in] % static_cast<int>(kPlaneAlignment) == 0;
    planes.data[plane] = picture.data[lies_in];
    planes.stride[plane] = picture.linesize[lies_in];
  }
  if (as_it_lies) {
    planes.width = picture.width;
    planes.height = picture.height;
    return planes;
  }

  const int whole_w = shifted_up(picture.width, layout.subsample_w) << layout.subsample_w;
  const int whole_h = shifted_up(picture.height, layout.subsample_h) << layout.subsample_h;
  planes.left = margins.x;
  planes.top = margins.y;
  planes.width = whole_w + 2 * margins.x;
  planes.height = whole_h + 2 * margins.y;

  const auto shift_w = [&](int plane) { return plane % 3 == 0 ? 0 : layout.subsample_w; };
  const auto shift_h = [&](int plane) { return plane % 3 == 0 ? 0 : layout.subsample_h; };
  std::size_t needed = 0;
  std::array<std::size_t, 4> begin{};
  for (int plane = 0; plane < 4; ++plane) {
    if (component[plane] < 0) continue;
    const std::size_t row =
        padded(static_cast<std::size_t>(planes.width >> shift_w(plane)) * layout.sample_bytes());
    planes.stride[plane] = static_cast<std::ptrdiff_t>(row);
    begin[plane] = needed;
    needed += row * static_cast<std::size_t>(planes.height >> shift_h(plane));
  }
  if (needed > capacity_) {
    bytes_ = aligned_bytes(needed);
    capacity_ = needed;
  }

  std::vector<std::uint16_t> scratch;
  for (int plane = 0; plane < 4; ++plane) {
    if (component[plane] < 0) continue;
    std::uint8_t* const base = bytes_.get() + begin[plane];
    planes.data[plane] = base;
    const int width = shifted_up(picture.width, shift_w(plane));
    const int height = shifted_up(picture.height, shift_h(plane));
    const int left = margins.x >> shift_w(plane);
    const int top = margins.y >> shift_h(plane);
    const int right = (planes.width >> shift_w(plane)) - left - width;
    const int rows = planes.height >> shift_h(plane);
    const auto row_at = [&](int row) { return base + row * planes.stride[plane]; };
    for (int y = 0; y < height; ++y) {
      std::uint8_t* const row = row_at(top + y);
      std::uint8_t* const out = row + std::ptrdiff_t{left} * layout.sample_bytes();
      if (palette) {
        read_palette(picture, y, plane, width, out);
      } else {
        read_row(at(plane), y, width, out, scratch);
      }
      if (layout.sample_bytes() == 1) spread<std::uint8_t>(row, left, width, right);
      if (layout.sample_bytes() == 2) spread<std::uint16_t>(row, left, width, right);
      if (layout.sample_bytes() == 4) spread<float>(row, left, width, right);
    }
    const auto bytes = static_cast<std::size_t>(planes.stride[plane]);
    for (int row = 0; row < top; ++row) std::memcpy(row_at(row), row_at(top), bytes);
    for (int row = top + height; row < rows; ++row) {
      std::memcpy(row_at(row), row_at(top + height - 1), bytes);
    }
  }
  return planes;
}

}  // namespace muybridge
