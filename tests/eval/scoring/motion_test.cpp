#include "eval/scoring/motion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/random.h"

namespace muybridge {
namespace {

std::vector<Place> path(int frames, const std::function<double(double)>& x) {
  std::vector<Place> places;
  for (int i = 0; i < frames; ++i) {
    const double time = static_cast<double>(i) / (frames - 1);
    places.push_back({.time = time, .x = x(time), .y = 0.5});
  }
  return places;
}

bool steady(const std::vector<Place>& places) { return goes_steadily(places, &Place::x); }

TEST(FitLine, GivesTheWayOfTheClipAndTheErrorOfThePlaces) {
  std::vector<Place> places = path(9, [](double u) { return 0.2 + 0.3 * u; });
  for (Place& place : places) place.y = 0.7 - 0.1 * place.time;
  const Line line = fit_line(places);
  EXPECT_NEAR(line.x, 0.3, 1e-12);
  EXPECT_NEAR(line.y, -0.1, 1e-12);
  EXPECT_NEAR(line.error_x, 0, 1e-7);
  const Line step = fit_line(path(1000, [](double u) { return u < 0.5 ? 0.0 : 1.0; }));
  EXPECT_NEAR(step.error_x, 0.25, 1e-3) << "a quarter of the variance is not on the line";
}

TEST(GoesSteadily, IsTrueOfEvenMotionEitherWayWithAFewErrors) {
  const RandomStream random(5, Purpose::kTest);
  for (const double way : {0.3, -0.3}) {
    EXPECT_TRUE(steady(path(16, [&](double u) { return 0.5 + way * u; })));
    EXPECT_TRUE(steady(path(16, [&](double u) {
      return way * u + 0.005 * random.normal(static_cast<std::uint64_t>(100 * u));
    })));
    EXPECT_TRUE(steady(path(16, [&](double u) { return way * (u - 0.1 * std::sin(6.28 * u)); })));
    EXPECT_TRUE(steady(path(3, [&](double u) { return way * u; })));
  }
}

TEST(GoesSteadily, IsFalseOfRestJumpAndReturn) {
  EXPECT_FALSE(steady(path(16, [](double) { return 0.5; })));
  EXPECT_FALSE(steady(path(16, [](double u) { return u < 0.5 ? 0.2 : 0.6; })));
  EXPECT_FALSE(steady(path(16, [](double u) { return 0.4 * std::max(0.0, 2 * u - 1); })));
  EXPECT_FALSE(steady(path(16, [](double u) { return 0.4 * std::min(1.0, 2 * u); })));
  EXPECT_FALSE(steady(path(16, [](double u) { return 0.15 * u + (u < 0.6 ? 0 : 0.2); })));
  EXPECT_FALSE(steady(path(16, [](double u) { return u < 0.75 ? 0.4 * u : 0.9 - 0.8 * u; })));
  EXPECT_FALSE(steady({{.time = 0, .x = 0.1, .y = 0}}));
}

}  // namespace
}  // namespace muybridge
