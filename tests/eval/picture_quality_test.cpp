#include "eval/picture_quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace muybridge {
namespace {

Frames noise(int count, int height, int width, unsigned seed) {
  std::mt19937 random(seed);
  Frames frames{.count = count, .height = height, .width = width, .rgb = {}};
  frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(count));
  for (std::uint8_t& byte : frames.rgb) byte = static_cast<std::uint8_t>(random() % 256);
  return frames;
}

// The formula as the paper has it, window by window.
double similarity_by_formula(const Frames& a, const Frames& b, int window) {
  std::vector<double> weights;
  double sum = 0;
  for (int y = 0; y < window; ++y)
    for (int x = 0; x < window; ++x) {
      const double dy = y - (window - 1) / 2.0, dx = x - (window - 1) / 2.0;
      weights.push_back(std::exp(-(dx * dx + dy * dy) / (2 * 1.5 * 1.5)));
      sum += weights.back();
    }
  const double c1 = std::pow(0.01 * 255, 2), c2 = std::pow(0.03 * 255, 2);
  double total = 0;
  int windows = 0;
  for (int t = 0; t < a.count; ++t)
    for (int channel = 0; channel < 3; ++channel)
      for (int top = 0; top + window <= a.height; ++top)
        for (int left = 0; left + window <= a.width; ++left, ++windows) {
          const auto mean = [&](auto&& f) {
            double m = 0;
            for (int y = 0; y < window; ++y)
              for (int x = 0; x < window; ++x) {
                const std::int64_t place = std::int64_t{top + y} * a.width + left + x;
                const auto at = static_cast<std::size_t>(place * 3 + channel);
                const std::int64_t weight = std::int64_t{y} * window + x;
                m += weights[static_cast<std::size_t>(weight)] / sum *
                     f(static_cast<double>(a.frame(t)[at]), static_cast<double>(b.frame(t)[at]));
              }
            return m;
          };
          const double ma = mean([](double p, double) { return p; });
          const double mb = mean([](double, double q) { return q; });
          const double va = mean([&](double p, double) { return (p - ma) * (p - ma); });
          const double vb = mean([&](double, double q) { return (q - mb) * (q - mb); });
          const double both = mean([&](double p, double q) { return (p - ma) * (q - mb); });
          total +=
              (2 * ma * mb + c1) * (2 * both + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
        }
  return total / windows;
}

TEST(PictureQuality, OfTheSameFramesIsThePeak) {
  const Frames frames = noise(2, 16, 20, 1);
  const Quality quality = picture_quality(frames, frames);
  EXPECT_EQ(quality.at("psnr"), kMostPsnr);
  EXPECT_NEAR(quality.at("ssim"), 1, 1e-12);
}

TEST(PictureQuality, SignalToNoiseIsThatOfTheMeanSquare) {
  Frames made = noise(1, 8, 8, 1), real = made;
  for (std::uint8_t& byte : real.rgb) byte = 100;
  made = real;
  for (std::size_t i = 0; i < made.rgb.size(); i += 4) made.rgb[i] = 110;  // a quarter, by 10
  EXPECT_NEAR(picture_quality(made, real).at("psnr"), 10 * std::log10(255.0 * 255.0 / 25), 1e-9);
  EXPECT_NEAR(psnr_of(0.01, 2), 10 * std::log10(4 / 0.01), 1e-12);
}

TEST(PictureQuality, SimilarityIsTheFormulaOfEveryWindow) {
  const Frames real = noise(2, 14, 17, 1);
  Frames made = real;
  std::mt19937 random(5);
  for (std::uint8_t& byte : made.rgb)
    byte = static_cast<std::uint8_t>(
        std::clamp<int>(byte + static_cast<int>(random() % 81) - 40, 0, 255));
  const double want = similarity_by_formula(made, real, 11);
  EXPECT_GT(want, 0.5);
  EXPECT_LT(want, 0.99);
  EXPECT_NEAR(picture_quality(made, real).at("ssim"), want, 1e-9);
  // Of noise and other noise: nothing.
  EXPECT_NEAR(picture_quality(noise(1, 40, 40, 2), noise(1, 40, 40, 3)).at("ssim"), 0, 0.05);
}

TEST(PictureQuality, AFrameThatIsSmallerThanAWindowIsOne) {
  const Frames real = noise(1, 8, 8, 1), made = noise(1, 8, 8, 2);
  EXPECT_NEAR(picture_quality(made, real).at("ssim"), similarity_by_formula(made, real, 8), 1e-9);
}

TEST(PictureQuality, OfOtherSizesIsRefused) {
  EXPECT_THROW(picture_quality(noise(1, 8, 8, 1), noise(2, 8, 8, 1)), std::invalid_argument);
  EXPECT_THROW(picture_quality({}, {}), std::invalid_argument);
}

TEST(PictureQuality, IsSaidWithItsUnit) {
  EXPECT_EQ(describe_quality("psnr", 31.24), "PSNR 31.2 dB");
  EXPECT_EQ(describe_quality("ssim", 0.9414), "SSIM 0.941");
}

}  // namespace
}  // namespace muybridge
