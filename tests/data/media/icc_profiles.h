#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace muybridge {

using IccColorants = std::array<double, 9>;  // XYZ of red, green, blue, as profiles write them
inline constexpr IccColorants kSrgbColorants = {0.43607, 0.22249, 0.01392, 0.38515, 0.71687,
                                                0.09708, 0.14307, 0.06061, 0.71410};
inline constexpr IccColorants kDisplayP3Colorants = {0.51512, 0.24120, -0.00105, 0.29198, 0.69225,
                                                     0.04189, 0.15710, 0.06657,  0.78407};
inline constexpr IccColorants kAdobeRgbColorants = {0.60974, 0.31111, 0.01947, 0.20528, 0.62567,
                                                    0.06087, 0.14919, 0.06322, 0.74457};

// An ICC profile of RGB with nothing but its colorants.
inline std::vector<std::uint8_t> icc_profile(const IccColorants& colorants) {
  std::vector<std::uint8_t> bytes(128 + 4 + 3 * 12 + 3 * 20);
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i)
      bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  };
  put(0, static_cast<std::uint32_t>(bytes.size()));
  std::memcpy(bytes.data() + 16, "RGB XYZ ", 8);
  put(128, 3);
  constexpr std::string_view kNames[3] = {"rXYZ", "gXYZ", "bXYZ"};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t entry = 132 + 12 * i;
    const std::size_t content = 132 + 36 + 20 * i;
    std::memcpy(bytes.data() + entry, kNames[i].data(), 4);
    put(entry + 4, static_cast<std::uint32_t>(content));
    put(entry + 8, 20);
    std::memcpy(bytes.data() + content, "XYZ ", 4);
    for (std::size_t k = 0; k < 3; ++k) {
      put(content + 8 + 4 * k,
          static_cast<std::uint32_t>(std::lround(colorants[3 * i + k] * 65536)));
    }
  }
  return bytes;
}

}  // namespace muybridge
