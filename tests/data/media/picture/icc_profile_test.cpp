#include "data/media/picture/icc_profile.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/data/media/icc_profiles.h"

namespace muybridge {
namespace {

TEST(IccProfile, KnownColorsAreTold) {
  EXPECT_EQ(icc_colors(icc_profile(kSrgbColorants)), IccColors::kSrgb);
  EXPECT_EQ(icc_colors(icc_profile(kDisplayP3Colorants)), IccColors::kDisplayP3);
  EXPECT_EQ(icc_colors(icc_profile(kAdobeRgbColorants)), IccColors::kOther);
}

TEST(IccProfile, BrokenProfilesAreOthers) {
  const std::vector<std::uint8_t> whole = icc_profile(kDisplayP3Colorants);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(icc_colors(std::span(whole).first(bytes)), IccColors::kOther) << bytes;
  }
  std::mt19937 random(5);
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::uint8_t> broken = whole;
    for (int i = 0; i < 3; ++i) broken[128 + random() % (broken.size() - 128)] = random() % 256;
    icc_colors(broken);
  }
}

}  // namespace
}  // namespace muybridge
