#include "data/media/picture/tone_map.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr double kPeak = 1000;  // cd/m^2 of the brightest HDR light that is kept apart
constexpr double kWhite = 203;  // cd/m^2 that become 255
constexpr int kCurve = 4096;    // entries of a table
constexpr int kBlock = 256;

// SMPTE ST 2084.
constexpr double kM1 = 2610.0 / 16384;
constexpr double kM2 = 2523.0 / 4096 * 128;
constexpr double kC1 = 3424.0 / 4096;
constexpr double kC2 = 2413.0 / 4096 * 32;
constexpr double kC3 = 2392.0 / 4096 * 32;

double pq_to_light(double signal) {  // cd/m^2
  const double root = std::pow(signal, 1 / kM2);
  return 10000 * std::pow(std::max(root - kC1, 0.0) / (kC2 - kC3 * root), 1 / kM1);
}

double light_to_pq(double light) {
  const double power = std::pow(light / 10000, kM1);
  return std::pow((kC1 + kC2 * power) / (1 + kC3 * power), kM2);
}

// ITU-R BT.2100, table 5: the light of the scene, from 0 to 1.
double hlg_to_scene(double signal) {
  constexpr double kA = 0.17883277;
  constexpr double kB = 1 - 4 * kA;
  const double c = 0.5 - kA * std::log(4 * kA);
  return signal <= 0.5 ? signal * signal / 3 : (std::exp((signal - c) / kA) + kB) / 12;
}

// ITU-R BT.2390, 5.4.1, with black at 0 on both screens.
double eetf(double light) {
  const double source = light_to_pq(kPeak);
  const double most = light_to_pq(kWhite) / source;
  const double knee = 1.5 * most - 0.5;
  const double from = std::min(light_to_pq(light) / source, 1.0);
  if (from < knee) return light;
  const double t = (from - knee) / (1 - knee);
  const double t2 = t * t;
  const double t3 = t2 * t;
  const double to =
      (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (-2 * t3 + 3 * t2) * most;
  return pq_to_light(to * source);
}

struct Chromaticity {
  double x, y;
};
struct Primaries {
  Chromaticity red, green, blue, white;
};
constexpr Chromaticity kD65{0.3127, 0.3290};
constexpr Primaries kBt709{{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}, kD65};
constexpr Primaries kBt2020{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, kD65};
constexpr Primaries kP3{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, kD65};

using Matrix = std::array<double, 9>;

Matrix inverse(const Matrix& m) {
  const auto minor = [&](int row, int column) {
    const int r0 = (row + 1) % 3 * 3, r1 = (row + 2) % 3 * 3;
    const int c0 = (column + 1) % 3, c1 = (column + 2) % 3;
    return m[r0 + c0] * m[r1 + c1] - m[r0 + c1] * m[r1 + c0];
  };
  const double determinant = m[0] * minor(0, 0) + m[1] * minor(0, 1) + m[2] * minor(0, 2);
  Matrix result{};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      result[3 * column + row] = minor(row, column) / determinant;
    }
  }
  return result;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      for (int k = 0; k < 3; ++k) result[3 * row + column] += a[3 * row + k] * b[3 * k + column];
    }
  }
  return result;
}

// Linear RGB to XYZ, whose second row is the luminance.
Matrix to_xyz(const Primaries& p) {
  const auto z_of = [](Chromaticity c) { return 1 - c.x - c.y; };
  const Matrix columns{p.red.x,  p.green.x,   p.blue.x,      p.red.y,     p.green.y,
                       p.blue.y, z_of(p.red), z_of(p.green), z_of(p.blue)};
  const Matrix back = inverse(columns);
  const double white[3] = {p.white.x / p.white.y, 1, z_of(p.white) / p.white.y};
  Matrix result{};
  for (int column = 0; column < 3; ++column) {
    double scale = 0;
    for (int k = 0; k < 3; ++k) scale += back[3 * column + k] * white[k];
    for (int row = 0; row < 3; ++row) result[3 * row + column] = columns[3 * row + column] * scale;
  }
  return result;
}

Primaries primaries_of(AVColorPrimaries primaries) {
  switch (primaries) {
    case AVCOL_PRI_BT2020:
      return kBt2020;
    case AVCOL_PRI_SMPTE431:
    case AVCOL_PRI_SMPTE432:
      return kP3;
    default:
      return kBt709;
  }
}

float fourth_root(float value) { return std::sqrt(std::sqrt(value)); }

// A table over 0 .. 1, between its entries on a straight line.
float look_up(const float* table, float at) {
  const float place = std::clamp(at, 0.0F, 1.0F) * (kCurve - 1);
  const int index = std::min(static_cast<int>(place), kCurve - 2);
  const float rest = place - static_cast<float>(index);
  return table[index] + rest * (table[index + 1] - table[index]);
}

}  // namespace

ToneMap::ToneMap(const PictureColors& colors) : hlg_(colors.transfer == AVCOL_TRC_ARIB_STD_B67) {
  if (!is_hdr(colors)) fail(ExitCode::kInternal, "a tone map for a picture that is not HDR");
  light_.resize(1 << 16);
  for (std::size_t i = 0; i < light_.size(); ++i) {
    const double signal = static_cast<double>(i) / 65535;
    light_[i] = static_cast<float>(hlg_ ? hlg_to_scene(signal) : pq_to_light(signal) / kPeak);
  }
  ootf_.resize(kCurve);
  tone_.resize(kCurve);
  for (int i = 0; i < kCurve; ++i) {
    const double light = std::pow(static_cast<double>(i) / (kCurve - 1), 4);
    ootf_[i] = static_cast<float>(std::pow(light, 0.2));
    tone_[i] = static_cast<float>(i == 0 ? kPeak / kWhite : eetf(light * kPeak) / light / kWhite);
  }
  code_.resize(kCurve);
  for (int i = 0; i < kCurve; ++i) {
    const double light = std::pow(static_cast<double>(i) / (kCurve - 1), 2);
    code_[i] = static_cast<std::uint8_t>(std::lround(255 * std::pow(light, 1 / 2.4)));
  }
  const Matrix xyz = to_xyz(primaries_of(colors.primaries));
  const Matrix to_709 = product(inverse(to_xyz(kBt709)), xyz);
  std::copy_n(xyz.begin() + 3, 3, luma_.begin());
  std::copy(to_709.begin(), to_709.end(), to_709_.begin());
}

void ToneMap::map(const std::uint16_t* red, const std::uint16_t* green, const std::uint16_t* blue,
                  int count, std::uint8_t* rgb) const {
  for (int i = 0; i < count; i += kBlock) {
    map_block(red + i, green + i, blue + i, std::min(kBlock, count - i),
              rgb + std::ptrdiff_t{3} * i);
  }
}

// Plain loops over a block, which the compiler makes into loops over many pixels at once.
void ToneMap::map_block(const std::uint16_t* red, const std::uint16_t* green,
                        const std::uint16_t* blue, int count, std::uint8_t* rgb) const {
  std::array<float, kBlock> r, g, b, gain;
  for (int i = 0; i < count; ++i) {
    r[i] = light_[red[i]];
    g[i] = light_[green[i]];
    b[i] = light_[blue[i]];
  }
  const std::array<float, 9> m = to_709_;
  const std::array<float, 3> luma = luma_;
  for (int i = 0; i < count; ++i) {
    const float luminance = luma[0] * r[i] + luma[1] * g[i] + luma[2] * b[i];
    const float r709 = m[0] * r[i] + m[1] * g[i] + m[2] * b[i];
    const float g709 = m[3] * r[i] + m[4] * g[i] + m[5] * b[i];
    const float b709 = m[6] * r[i] + m[7] * g[i] + m[8] * b[i];
    const float least = std::min(std::min(r709, g709), b709);
    const float kept = least < 0 ? luminance / (luminance - least) : 1.0F;
    r[i] = luminance + kept * (r709 - luminance);
    g[i] = luminance + kept * (g709 - luminance);
    b[i] = luminance + kept * (b709 - luminance);
    gain[i] = luminance;
  }
  if (hlg_) {
    for (int i = 0; i < count; ++i) gain[i] = look_up(ootf_.data(), fourth_root(gain[i]));
  } else {
    std::fill_n(gain.begin(), count, 1.0F);
  }
  for (int i = 0; i < count; ++i) {
    // Light above the peak becomes white: the table ends there, so the rest is a plain division.
    const float most = gain[i] * std::max(std::max(r[i], g[i]), b[i]);
    const float within = std::min(most, 1.0F);
    gain[i] *= look_up(tone_.data(), fourth_root(within)) * (most > 1 ? 1 / most : 1.0F);
  }
  const auto code = [&](float light) {
    const float root = std::sqrt(std::clamp(light, 0.0F, 1.0F));
    return code_[static_cast<std::size_t>(static_cast<int>(root * (kCurve - 1) + 0.5F))];
  };
  for (int i = 0; i < count; ++i) {
    rgb[3 * i] = code(gain[i] * r[i]);
    rgb[3 * i + 1] = code(gain[i] * g[i]);
    rgb[3 * i + 2] = code(gain[i] * b[i]);
  }
}

}  // namespace muybridge
