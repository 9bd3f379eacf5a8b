#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/media/picture/video_colors.h"

namespace muybridge {

// HDR to the picture that a BT.709 screen shows. One curve for all files, whatever peak they name,
// so that equal light becomes equal colour over a whole corpus:
//   1. display light in cd/m^2: PQ by SMPTE ST 2084; HLG by ITU-R BT.2100 with a screen of
//      1000 cd/m^2 (system gamma 1.2, on luminance)
//   2. to BT.709 primaries; what lies outside is drawn towards the grey of its luminance until no
//      component is negative
//   3. the largest of R, G, B goes through the EETF of ITU-R BT.2390 from 0 .. 1000 to 0 .. 203
//      cd/m^2 (the reference white of BT.2408), and all three are scaled alike, so hues stay
//   4. signal = (light / 203) ^ (1 / 2.4), as BT.1886 screens show it
// Light below 88 cd/m^2 stays as it is; the white of a page, 203 cd/m^2, becomes 230 of 255;
// 1000 cd/m^2 and more becomes 255.
class ToneMap {
 public:
  // Throws Error(kCorrupt) where `colors` are not HDR.
  explicit ToneMap(const PictureColors& colors);

  // R'G'B' of 16 bits, full range, to interleaved RGB of 8 bits.
  void map(const std::uint16_t* red, const std::uint16_t* green, const std::uint16_t* blue,
           int count, std::uint8_t* rgb) const;

 private:
  void map_block(const std::uint16_t* red, const std::uint16_t* green, const std::uint16_t* blue,
                 int count, std::uint8_t* rgb) const;

  bool hlg_;
  std::vector<float> light_;        // of a 16-bit signal; 1 is 1000 cd/m^2
  std::vector<float> ootf_;         // HLG: gain, by the fourth root of luminance
  std::vector<float> tone_;         // EETF(light) / light / 203, by the fourth root of light
  std::vector<std::uint8_t> code_;  // of light from 0 to 1, by its square root
  std::array<float, 3> luma_{};     // luminance of the source's primaries
  std::array<float, 9> to_709_{};
};

}  // namespace muybridge
