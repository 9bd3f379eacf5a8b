#include "data/media/video_paint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace muybridge {
namespace {

constexpr int kBits = 13;  // of fraction
constexpr int kBlock = 256;

// R = y Y + rv V + r, and so on, in fixed point, with rounding.
struct Matrix {
  int y, rv, gu, gv, bu, r, g, b;
};

Matrix matrix_of(const YuvColors& colors) {
  const double one = 1 << kBits;
  const double luma = one * (colors.full_range ? 1 : 255.0 / 219);
  const double chroma = one * (colors.full_range ? 1 : 255.0 / 224);
  const double green = 1 - colors.red - colors.blue;
  const auto fixed = [](double value) { return static_cast<int>(std::lround(value)); };
  Matrix m{};
  m.y = fixed(luma);
  m.rv = fixed(chroma * 2 * (1 - colors.red));
  m.bu = fixed(chroma * 2 * (1 - colors.blue));
  m.gu = -fixed(chroma * 2 * (1 - colors.blue) * colors.blue / green);
  m.gv = -fixed(chroma * 2 * (1 - colors.red) * colors.red / green);
  const int black = (1 << (kBits - 1)) - (colors.full_range ? 0 : 16 * m.y);
  m.r = black - 128 * m.rv;
  m.g = black - 128 * (m.gu + m.gv);
  m.b = black - 128 * m.bu;
  return m;
}

using Row = std::array<std::uint8_t, kBlock>;

void convert(const std::uint8_t* __restrict y, const std::uint8_t* __restrict u,
             const std::uint8_t* __restrict v, int width, const Matrix& matrix, Row& red,
             Row& green, Row& blue) {
  const Matrix m = matrix;
  for (int x = 0; x < width; ++x) {
    const int luma = m.y * y[x];
    const int r = (luma + m.rv * v[x] + m.r) >> kBits;
    const int g = (luma + m.gu * u[x] + m.gv * v[x] + m.g) >> kBits;
    const int b = (luma + m.bu * u[x] + m.b) >> kBits;
    red[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(std::clamp(r, 0, 255));
    green[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(std::clamp(g, 0, 255));
    blue[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(std::clamp(b, 0, 255));
  }
}

// Three rows into one, 16 pixels at a time: what the compiler makes of a loop takes four times as
// long.
void interleave(const Row& red, const Row& green, const Row& blue, int width, std::uint8_t* rgb) {
  using Bytes = std::uint8_t __attribute__((vector_size(16)));
  int x = 0;
  for (; x + 16 <= width; x += 16, rgb += 48) {
    Bytes r, g, b;
    std::memcpy(&r, red.data() + x, 16);
    std::memcpy(&g, green.data() + x, 16);
    std::memcpy(&b, blue.data() + x, 16);
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
  for (; x < width; ++x, rgb += 3) {
    rgb[0] = red[static_cast<std::size_t>(x)];
    rgb[1] = green[static_cast<std::size_t>(x)];
    rgb[2] = blue[static_cast<std::size_t>(x)];
  }
}

}  // namespace

void paint_rgb(const YuvPlanes& planes, const YuvColors& colors, int height, int width,
               std::uint8_t* rgb) {
  const Matrix matrix = matrix_of(colors);
  Row red, green, blue;
  for (int row = 0; row < height; ++row) {
    const std::uint8_t* y = planes.data[0] + row * planes.stride[0];
    const std::uint8_t* u = planes.data[1] + row * planes.stride[1];
    const std::uint8_t* v = planes.data[2] + row * planes.stride[2];
    std::uint8_t* out =
        rgb + std::size_t{3} * static_cast<std::size_t>(row) * static_cast<std::size_t>(width);
    for (int x = 0; x < width; x += kBlock) {
      const int count = std::min(kBlock, width - x);
      convert(y + x, u + x, v + x, count, matrix, red, green, blue);
      interleave(red, green, blue, count, out + std::size_t{3} * static_cast<std::size_t>(x));
    }
  }
}

}  // namespace muybridge
