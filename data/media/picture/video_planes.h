#pragma once

#include <zimg.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

extern "C" {
#include <libavutil/frame.h>
}

struct SwsContext;

namespace muybridge {

// Bytes that zimg may load at once: rows begin at a multiple of it.
inline constexpr std::size_t kPlaneAlignment = 64;

struct AlignedDelete {
  void operator()(std::uint8_t* bytes) const noexcept {
    ::operator delete[](bytes, std::align_val_t{kPlaneAlignment});
  }
};
using AlignedBytes = std::unique_ptr<std::uint8_t[], AlignedDelete>;
AlignedBytes aligned_bytes(std::size_t bytes);

// How the samples of a format lie: what zimg must know of it.
struct PlaneLayout {
  zimg_color_family_e family = ZIMG_COLOR_RGB;
  zimg_pixel_type_e type = ZIMG_PIXEL_BYTE;
  int depth = 8;        // bits of a sample
  int subsample_w = 0;  // log2, of the planes 1 and 2 of YUV
  int subsample_h = 0;
  bool alpha = false;
  bool operator==(const PlaneLayout&) const = default;

  int sample_bytes() const { return type == ZIMG_PIXEL_BYTE ? 1 : type == ZIMG_PIXEL_WORD ? 2 : 4; }
};

// Throws Error(kCorrupt) for formats that are no pictures in memory.
PlaneLayout layout_of(int pixel_format);

// A picture as planes R G B A, Y U V A or grey - - A. It lies `left` and `top` samples inside
// planes of width x height, whose rims repeat its edge.
struct Planes {
  PlaneLayout layout;
  int width = 0;
  int height = 0;
  int left = 0;
  int top = 0;
  std::array<const std::uint8_t*, 4> data{};
  std::array<std::ptrdiff_t, 4> stride{};
};

struct PlaneMargins {
  int x = 0;  // on each side; multiples of the subsampling
  int y = 0;
};

// Takes pictures apart into planes; the colours stay what they were, except that samples of fewer
// than 8 bits become 8, Bayer mosaics become RGB, and X'Y'Z' of cinema becomes RGB.
class PlaneReader {
 public:
  PlaneReader();
  ~PlaneReader();
  PlaneReader(const PlaneReader&) = delete;
  PlaneReader& operator=(const PlaneReader&) = delete;

  // Valid until the next call, and while `source` is. Planes of the source itself where zimg can
  // read them as they lie and no margin is wanted.
  Planes read(const AVFrame& source, PlaneMargins margins);

 private:
  struct ScalerCloser {
    void operator()(SwsContext* scaler) const noexcept;
  };
  const AVFrame& without_mosaic(const AVFrame& picture);

  AlignedBytes bytes_;
  std::size_t capacity_ = 0;
  std::unique_ptr<SwsContext, ScalerCloser> scaler_;
  std::array<int, 3> scaler_key_{};
  struct FrameCloser {
    void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
  };
  std::unique_ptr<AVFrame, FrameCloser> plain_;
};

}  // namespace muybridge
