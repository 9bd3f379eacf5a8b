#include "data/media/picture/video_paint.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace muybridge {
namespace {

constexpr int kFraction = 5;       // bits of what is added up
constexpr int kLumaScale = 128;    // of luma before its product
constexpr int kChromaScale = 256;  // of chroma, which is interpolated at 16 times its value
constexpr int kBlock = 256;

struct LumaShares {
  double red;
  double blue;
};

std::optional<LumaShares> luma_shares(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return LumaShares{0.2126, 0.0722};
    case AVCOL_SPC_FCC:
      return LumaShares{0.30, 0.11};
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return LumaShares{0.299, 0.114};
    case AVCOL_SPC_SMPTE240M:
      return LumaShares{0.212, 0.087};
    case AVCOL_SPC_BT2020_NCL:
      return LumaShares{0.2627, 0.0593};
    default:
      return std::nullopt;
  }
}

using Row = std::array<std::uint8_t, kBlock>;

// The upper half of a product: what the processor does for many at once.
std::int16_t high(std::int16_t a, std::int16_t b) {
  return static_cast<std::int16_t>((int{a} * int{b}) >> 16);
}

std::uint8_t level(std::int16_t sum) {
  const auto whole = static_cast<std::int16_t>(sum >> kFraction);
  return static_cast<std::uint8_t>(std::clamp<std::int16_t>(whole, 0, 255));
}

void convert(const std::uint8_t* __restrict y, const std::int16_t* __restrict u,
             const std::int16_t* __restrict v, int width, const PaintMatrix& m, Row& red,
             Row& green, Row& blue) {
  std::uint8_t* __restrict r = red.data();
  std::uint8_t* __restrict g = green.data();
  std::uint8_t* __restrict b = blue.data();
  for (int x = 0; x < width; ++x) {
    const std::int16_t luma = high(static_cast<std::int16_t>(y[x] * kLumaScale), m.y);
    r[x] = level(static_cast<std::int16_t>(luma + high(v[x], m.rv) + m.two));
    g[x] = level(static_cast<std::int16_t>(luma + high(u[x], m.gu) + high(v[x], m.gv) + m.three));
    b[x] = level(static_cast<std::int16_t>(luma + high(u[x], m.bu) + m.two));
  }
}

// Three rows into one, 16 pixels at a time: what the compiler makes of a loop takes four times as
// long.
int interleave_blocks(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                      int width, std::uint8_t* rgb) {
  using Bytes = std::uint8_t __attribute__((vector_size(16)));
  int x = 0;
  for (; x + 16 <= width; x += 16, rgb += 48) {
    Bytes r, g, b;
    std::memcpy(&r, red + x, 16);
    std::memcpy(&g, green + x, 16);
    std::memcpy(&b, blue + x, 16);
    const Bytes first_rg =
        __builtin_shufflevector(r, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
    const Bytes first = __builtin_shufflevector(first_rg, b, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10,
                                                19, 12, 13, 20, 15);
    const Bytes middle_rg =
        __builtin_shufflevector(r, g, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
    const Bytes middle = __builtin_shufflevector(middle_rg, b, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24,
                                                 11, 12, 25, 14, 15);
    const Bytes last_rg =
        __builtin_shufflevector(r, g, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
    const Bytes last = __builtin_shufflevector(last_rg, b, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11,
                                               30, 13, 14, 31);
    std::memcpy(rgb, &first, 16);
    std::memcpy(rgb + 16, &middle, 16);
    std::memcpy(rgb + 32, &last, 16);
  }
  return x;
}

}  // namespace

std::optional<PicturePainter> PicturePainter::of(const PictureColors& colors) {
  const std::optional<LumaShares> shares = luma_shares(colors.matrix);
  if (!shares || is_hdr(colors) || has_wide_primaries(colors) ||
      colors.transfer == AVCOL_TRC_LINEAR || colors.transfer == AVCOL_TRC_LOG ||
      colors.transfer == AVCOL_TRC_LOG_SQRT) {
    return std::nullopt;
  }
  const double unit = 1 << kFraction;
  const double luma = unit * 65536 / kLumaScale * (colors.full_range ? 1 : 255.0 / 219);
  const double chroma = unit * 65536 / kChromaScale * (colors.full_range ? 1 : 255.0 / 224);
  const double green = 1 - shares->red - shares->blue;
  const auto fixed = [](double value) { return static_cast<std::int16_t>(std::lround(value)); };
  PaintMatrix m{};
  m.y = fixed(luma);
  m.rv = fixed(chroma * 2 * (1 - shares->red));
  m.bu = fixed(chroma * 2 * (1 - shares->blue));
  m.gu = fixed(-chroma * 2 * (1 - shares->blue) * shares->blue / green);
  m.gv = fixed(-chroma * 2 * (1 - shares->red) * shares->red / green);
  const double black = colors.full_range ? 0 : 16 * 255.0 / 219;
  // Half a level to round by; and what the products lose when they are cut off, half of the last
  // place each.
  m.two = fixed(unit / 2 + 1 - unit * black);
  m.three = fixed(unit / 2 + 1.5 - unit * black);

  const AVChromaLocation at = colors.chroma;
  const bool centred =
      at == AVCHROMA_LOC_CENTER || at == AVCHROMA_LOC_TOP || at == AVCHROMA_LOC_BOTTOM;
  const bool upper = at == AVCHROMA_LOC_TOPLEFT || at == AVCHROMA_LOC_TOP;
  const bool lower = at == AVCHROMA_LOC_BOTTOMLEFT || at == AVCHROMA_LOC_BOTTOM;
  return PicturePainter(m, {centred, upper ? -1 : lower ? 1 : 0});
}

// Chroma of one row of luma, 16 times its value, for columns first .. first + width - 1.
const std::int16_t* PicturePainter::stretch(const AVFrame& picture, int plane, int luma_row,
                                            int first, int width, std::vector<std::int16_t>& out) {
  const int rows = (picture.height + 1) / 2;
  const int columns = (picture.width + 1) / 2;
  const auto row_at = [&](int row) {
    return picture.data[plane] +
           static_cast<std::ptrdiff_t>(std::clamp(row, 0, rows - 1)) * picture.linesize[plane];
  };
  // The place of the row of luma between two rows of chroma, in quarters of their distance.
  const int quarters = 2 * luma_row - (place_.half_row + 1);
  const int above = quarters >> 2;
  const int below_weight = quarters & 3;
  const int above_weight = 4 - below_weight;
  const std::uint8_t* const a = row_at(above);
  const std::uint8_t* const b = row_at(above + 1);

  const int begin = first / 2;
  const int end = std::min((first + width - 1) / 2 + 1, columns);
  const int count = end - begin;
  blended_.resize(static_cast<std::size_t>(count) + 2);  // one more column at each end
  std::int16_t* const blended = blended_.data() + 1;
  for (int x = 0; x < count; ++x) {
    blended[x] =
        static_cast<std::int16_t>(above_weight * a[begin + x] + below_weight * b[begin + x]);
  }
  const int left = std::max(begin - 1, 0);
  const int right = std::min(end, columns - 1);
  blended[-1] = static_cast<std::int16_t>(above_weight * a[left] + below_weight * b[left]);
  blended[count] = static_cast<std::int16_t>(above_weight * a[right] + below_weight * b[right]);

  out.resize(2 * static_cast<std::size_t>(count));
  std::int16_t* const stretched = out.data();
  constexpr int kGray = 128 * 16;
  const auto scaled = [](int sixteen) {
    return static_cast<std::int16_t>((sixteen - kGray) * (kChromaScale / 16));
  };
  if (place_.centred) {
    for (int x = 0; x < count; ++x) {
      stretched[2 * x] = scaled(blended[x - 1] + 3 * blended[x]);
      stretched[2 * x + 1] = scaled(3 * blended[x] + blended[x + 1]);
    }
  } else {
    for (int x = 0; x < count; ++x) {
      stretched[2 * x] = scaled(4 * blended[x]);
      stretched[2 * x + 1] = scaled(2 * (blended[x] + blended[x + 1]));
    }
  }
  return stretched + first % 2;
}

void PicturePainter::paint(const AVFrame& picture, const PicturePlan& plan, std::uint8_t* rgb) {
  const PaintMatrix m = matrix_;
  const int width = plan.crop_width;
  Row red, green, blue;
  for (int row = 0; row < plan.crop_height; ++row, rgb += std::ptrdiff_t{3} * width) {
    const int luma_row = plan.crop_y + row;
    const std::uint8_t* const y_row =
        picture.data[0] + static_cast<std::ptrdiff_t>(luma_row) * picture.linesize[0] + plan.crop_x;
    const std::int16_t* const u_row = stretch(picture, 1, luma_row, plan.crop_x, width, chroma_[0]);
    const std::int16_t* const v_row = stretch(picture, 2, luma_row, plan.crop_x, width, chroma_[1]);
    for (int begin = 0; begin < width; begin += kBlock) {
      const int count = std::min(kBlock, width - begin);
      convert(y_row + begin, u_row + begin, v_row + begin, count, m, red, green, blue);
      interleave_rgb(red.data(), green.data(), blue.data(), count, rgb + std::ptrdiff_t{3} * begin);
    }
  }
}

void interleave_rgb(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                    int width, std::uint8_t* rgb) {
  int x = interleave_blocks(red, green, blue, width, rgb);
  for (rgb += std::ptrdiff_t{3} * x; x < width; ++x, rgb += 3) {
    rgb[0] = red[x];
    rgb[1] = green[x];
    rgb[2] = blue[x];
  }
}

bool lay_over_white(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                    const std::uint8_t* alpha, int width, std::uint8_t* rgb) {
  int least = 255;
  for (int x = 0; x < width; ++x, rgb += 3) {
    const int white = 255 - alpha[x];
    least = std::min<int>(least, alpha[x]);
    rgb[0] = static_cast<std::uint8_t>(std::min(red[x] + white, 255));
    rgb[1] = static_cast<std::uint8_t>(std::min(green[x] + white, 255));
    rgb[2] = static_cast<std::uint8_t>(std::min(blue[x] + white, 255));
  }
  return least < 255;
}

bool lay_over_white(const std::uint16_t* alpha, int width, std::uint8_t* rgb) {
  int least = 255;
  for (int x = 0; x < width; ++x) {
    const int opaque = (alpha[x] * 255 + 32767) / 65535;
    least = std::min(least, opaque);
    for (int channel = 0; channel < 3; ++channel, ++rgb) {
      *rgb = static_cast<std::uint8_t>(255 - ((255 - *rgb) * opaque + 127) / 255);
    }
  }
  return least < 255;
}

}  // namespace muybridge
