#include "data/media/picture/tone_map.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "core/error.h"
#include "tests/data/media/tone_map_golden.h"

namespace muybridge {
namespace {

PictureColors hdr(bool hlg) {
  return {.matrix = AVCOL_SPC_RGB,
          .primaries = AVCOL_PRI_BT2020,
          .transfer = hlg ? AVCOL_TRC_ARIB_STD_B67 : AVCOL_TRC_SMPTE2084,
          .full_range = true};
}

std::array<int, 3> shown(const ToneMap& map, double red, double green, double blue) {
  const auto code = [](double signal) {
    return static_cast<std::uint16_t>(std::lround(signal * 65535));
  };
  const std::uint16_t r = code(red), g = code(green), b = code(blue);
  std::array<std::uint8_t, 3> rgb{};
  map.map(&r, &g, &b, 1, rgb.data());
  return {rgb[0], rgb[1], rgb[2]};
}

TEST(ToneMap, FollowsTheReferenceToOneLevel) {
  const ToneMap pq(hdr(false)), hlg(hdr(true));
  for (const ToneMapGolden& golden : kToneMapGolden) {
    const std::array<int, 3> rgb =
        shown(golden.hlg ? hlg : pq, golden.signal[0], golden.signal[1], golden.signal[2]);
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(rgb[channel], golden.shown[channel], 1.01)
          << (golden.hlg ? "HLG " : "PQ ") << golden.signal[0] << " " << golden.signal[1] << " "
          << golden.signal[2];
    }
  }
}

// BT.2408: a white page is 203 cd/m^2, PQ 58% or HLG 75%.
TEST(ToneMap, WhitePagesAreOneLevelInBothKinds) {
  EXPECT_EQ(shown(ToneMap(hdr(false)), 0.5807, 0.5807, 0.5807),
            (std::array<int, 3>{230, 230, 230}));
  EXPECT_EQ(shown(ToneMap(hdr(true)), 0.75, 0.75, 0.75), (std::array<int, 3>{230, 230, 230}));
}

TEST(ToneMap, BrighterIsNeverDarker) {
  for (const bool hlg : {false, true}) {
    const ToneMap map(hdr(hlg));
    int before = 0;
    for (int i = 0; i <= 2000; ++i) {
      const double signal = i / 2000.0;
      const int level = shown(map, signal, signal, signal)[0];
      EXPECT_GE(level, before) << signal;
      before = level;
    }
    EXPECT_EQ(before, 255);
  }
}

TEST(ToneMap, IsForHdrOnly) { EXPECT_THROW(ToneMap(PictureColors{}), Error); }

}  // namespace
}  // namespace muybridge
