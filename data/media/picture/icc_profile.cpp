#include "data/media/picture/icc_profile.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

namespace muybridge {
namespace {

constexpr std::size_t kHeader = 128;
constexpr double kNear = 0.004;  // profiles of one colour space differ in the third digit

using Colorants = std::array<double, 9>;  // XYZ of red, green and blue, white D50
constexpr Colorants kSrgb = {0.4361, 0.2225, 0.0139, 0.3851, 0.7169,
                             0.0971, 0.1431, 0.0606, 0.7139};
constexpr Colorants kDisplayP3 = {0.5151, 0.2412, -0.0011, 0.2919, 0.6922,
                                  0.0419, 0.1572, 0.0666,  0.7841};

std::uint32_t number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

bool says(std::span<const std::uint8_t> bytes, std::size_t at, std::string_view text) {
  return std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// Where the content of a tag stands, which has at least `size` bytes.
std::optional<std::size_t> tag_at(std::span<const std::uint8_t> profile, std::string_view name,
                                  std::size_t size) {
  const std::uint32_t tags = number_at(profile, kHeader);
  for (std::size_t i = 0; i < tags && i < 100; ++i) {
    const std::size_t entry = kHeader + 4 + 12 * i;
    if (entry + 12 > profile.size()) break;
    if (!says(profile, entry, name)) continue;
    const std::size_t at = number_at(profile, entry + 4);
    if (at > profile.size() || profile.size() - at < size) return std::nullopt;
    return at;
  }
  return std::nullopt;
}

bool are_near(const Colorants& a, const Colorants& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(a[i] - b[i]) > kNear) return false;
  }
  return true;
}

}  // namespace

IccColors icc_colors(std::span<const std::uint8_t> profile) {
  if (profile.size() < kHeader + 4 || !says(profile, 16, "RGB ")) return IccColors::kOther;
  Colorants colorants{};
  std::size_t filled = 0;
  for (const std::string_view name : {"rXYZ", "gXYZ", "bXYZ"}) {
    const std::optional<std::size_t> at = tag_at(profile, name, 20);
    if (!at) return IccColors::kOther;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto fixed = static_cast<std::int32_t>(number_at(profile, *at + 8 + 4 * i));
      colorants[filled++] = fixed / 65536.0;
    }
  }
  if (are_near(colorants, kSrgb)) return IccColors::kSrgb;
  if (are_near(colorants, kDisplayP3)) return IccColors::kDisplayP3;
  return IccColors::kOther;
}

}  // namespace muybridge
