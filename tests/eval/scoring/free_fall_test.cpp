#include "eval/scoring/free_fall.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>

#include "core/random.h"

namespace muybridge {
namespace {

// A ball that starts at height `y` with `speed` (down is positive) and bounces at 0.8.
std::vector<HeightAt> flight(double gravity, double y, double speed, double noise) {
  const RandomStream random(9, Purpose::kTest, static_cast<std::uint64_t>(1000 * gravity));
  std::vector<HeightAt> result;
  double v = speed;
  constexpr int kSteps = 2000;  // a second
  for (int i = 0; i < 16; ++i) {
    result.push_back({i / 8.0, y + noise * random.normal(static_cast<std::uint64_t>(i))});
    for (int step = 0; step < kSteps / 8; ++step) {
      v += gravity / kSteps;
      y += v / kSteps;
      if (y > 0.8) {
        y = 0.8;
        v *= -0.75;
      }
    }
  }
  return result;
}

TEST(FitAcceleration, FindsGravityAcrossBounces) {
  for (const double gravity : {1.0, 1.5, 2.0, 3.0}) {
    for (const auto& [height, speed] : {std::pair{0.7, -1.5}, {0.7, -1.2}, {0.2, 0.0}}) {
      const std::optional<double> found = fit_acceleration(flight(gravity, height, speed, 0));
      ASSERT_TRUE(found.has_value()) << gravity << " from " << height << " at " << speed;
      EXPECT_NEAR(*found, gravity, 0.05 * gravity) << "from " << height << " at " << speed;
    }
  }
}

TEST(FitAcceleration, StandsTheNoiseOfPixels) {
  for (const double speed : {-1.4, -1.2, -1.0}) {
    const std::optional<double> found = fit_acceleration(flight(2.0, 0.7, speed, 0.006));
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(*found, 2.0, 0.2);
  }
}

TEST(FitAcceleration, IsZeroOnAStraightLine) {
  std::vector<HeightAt> points;
  points.reserve(16);
  for (int i = 0; i < 16; ++i) points.push_back({i / 8.0, 0.8 - 0.04 * i});
  const std::optional<double> found = fit_acceleration(points);
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(*found, 0.0, 1e-9);
}

TEST(FitAcceleration, PassesOverABallThatLies) {
  std::vector<HeightAt> points = flight(2.0, 0.2, 0.0, 0.003);
  const double last = points.back().seconds;
  for (int i = 1; i <= 20; ++i) points.push_back({last + i / 8.0, 0.8 + 0.002 * (i % 2)});
  const std::optional<double> found = fit_acceleration(points);
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(*found, 2.0, 0.2);
}

TEST(FitAcceleration, RefusesPointsThatNoFlightExplains) {
  const RandomStream random(10, Purpose::kTest);
  std::vector<HeightAt> points;
  points.reserve(16);
  for (int i = 0; i < 16; ++i) points.push_back({i / 8.0, random.uniform(std::uint64_t(i))});
  EXPECT_FALSE(fit_acceleration(points).has_value());
  EXPECT_FALSE(fit_acceleration({}).has_value());
  EXPECT_FALSE(fit_acceleration({{0, 0.5}, {0.1, 0.4}}).has_value());
}

// Where a ball of gravity 2 is that is thrown up from 0.7, as flight() but for an hour that `when`
// gives each frame.
std::vector<HeightAt> on_the_clock(const std::function<double(double)>& when) {
  std::vector<HeightAt> points;
  for (int i = 0; i < 16; ++i) {
    const double seconds = when(i / 8.0);
    points.push_back({i / 8.0, 0.7 - 1.2 * seconds + seconds * seconds});
  }
  return points;
}

TEST(FitAcceleration, RefusesABallThatHangsInTheAir) {
  EXPECT_TRUE(fit_acceleration(on_the_clock([](double s) { return 0.6 * s; })).has_value());
  // Rests at the highest point for half a second, where nothing holds it.
  EXPECT_FALSE(fit_acceleration(on_the_clock([](double s) {
                 return s < 0.6 ? s : s < 1.2 ? 0.6 : s - 0.6;
               })).has_value());
}

TEST(FitAcceleration, RefusesABallThatVanishesHereAndGoesOnThere) {
  std::vector<HeightAt> points = on_the_clock([](double s) { return 0.65 * s; });
  for (std::size_t i = 8; i < points.size(); ++i) points[i].y += 0.2;
  EXPECT_FALSE(fit_acceleration(points).has_value());
}

TEST(FitAcceleration, RefusesABounceInTheAir) {
  std::vector<HeightAt> points;
  for (int i = 0; i < 16; ++i) {
    const double since = i < 5 ? i / 8.0 - 0.2 : i / 8.0 - 1.1;
    points.push_back({i / 8.0, (i < 5 ? 0.2 : 0.087) + since * since});
  }
  EXPECT_FALSE(fit_acceleration(points).has_value());
}

}  // namespace
}  // namespace muybridge
