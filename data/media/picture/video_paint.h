#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/media/picture/video_colors.h"
#include "data/media/picture/video_geometry.h"

namespace muybridge {

// R = (y Y + rv V + two) / 32 and so on, in fixed point: y, rv, gu, gv, bu are shares of 65536, of
// luma that is 128 times and chroma that is 256 times what is stored.
struct PaintMatrix {
  std::int16_t y, rv, gu, gv, bu;
  std::int16_t two, three;  // added to a sum of two and of three products
};

// The commonest picture without zimg, in half its time: 4:2:0 of 8 bits to RGB of the same size.
// Colours are interpolated between their places on a straight line, as zimg does for us.
class PicturePainter {
 public:
  // Nothing where the colours need more than one matrix over Y'CbCr.
  static std::optional<PicturePainter> of(const PictureColors& colors);

  // The part of `picture`, in a format of planes Y, U, V, that `plan` names, which must not scale;
  // writes RGB [plan.crop_height, plan.crop_width, 3].
  void paint(const AVFrame& picture, const PicturePlan& plan, std::uint8_t* rgb);

 private:
  struct Place {
    bool centred;  // between two columns of luma; else on the left one
    int half_row;  // -1: on the upper row of two, 0: between them, 1: on the lower one
  };
  PicturePainter(const PaintMatrix& matrix, Place place) : matrix_(matrix), place_(place) {}
  const std::int16_t* stretch(const AVFrame& picture, int plane, int luma_row, int first, int width,
                              std::vector<std::int16_t>& out);

  PaintMatrix matrix_;
  Place place_;
  std::vector<std::int16_t> blended_;
  std::array<std::vector<std::int16_t>, 2> chroma_;
};

// Three rows into one of RGB.
void interleave_rgb(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                    int width, std::uint8_t* rgb);

// The same with colours that are multiplied by `alpha`, over white. Both say whether anything was
// not opaque.
bool lay_over_white(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                    const std::uint8_t* alpha, int width, std::uint8_t* rgb);
// RGB that is not multiplied by its alpha of 16 bits, over white.
bool lay_over_white(const std::uint16_t* alpha, int width, std::uint8_t* rgb);

}  // namespace muybridge
