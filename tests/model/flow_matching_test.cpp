#include "model/flow_matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

std::vector<double> many_times(const FlowOptions& options) {
  std::vector<double> times;
  for (int step = 0; step < 200; ++step)
    for (int sample = 0; sample < 100; ++sample)
      times.push_back(training_time(options, 7, step, sample));
  std::sort(times.begin(), times.end());
  return times;
}

TEST(FlowMatching, TheShiftKeepsTheEndsAndIsUndoneByItsInverse) {
  for (const double shift : {1.0, 3.0, 6.0}) {
    EXPECT_EQ(shifted_time(0, shift), 0);
    EXPECT_EQ(shifted_time(1, shift), 1);
    for (const double t : {0.1, 0.5, 0.9})
      EXPECT_NEAR(shifted_time(shifted_time(t, shift), 1 / shift), t, 1e-12);
  }
  EXPECT_NEAR(shifted_time(0.5, 3), 0.75, 1e-12);
}

// Draws are compared with the quantiles that validation uses: each against the other's formula.
TEST(FlowMatching, DrawsHaveTheQuantilesOfTheirDensity) {
  for (const FlowOptions& options : {FlowOptions{}, FlowOptions{.shift = 6},
                                     FlowOptions{.density = TimestepDensity::kUniform, .shift = 1},
                                     FlowOptions{.shift = 1, .mean = -0.5, .deviation = 0.7}}) {
    const std::vector<double> times = many_times(options);
    EXPECT_GT(times.front(), 0);
    EXPECT_LT(times.back(), 1);
    for (int i = 0; i < 9; ++i) {
      const double share = (i + 0.5) / 9;
      const double drawn = times[static_cast<std::size_t>(share * 20000)];
      EXPECT_NEAR(drawn, quantile_time(options, i, 9), 0.015) << options.shift << " " << i;
    }
  }
  const FlowOptions uniform{.density = TimestepDensity::kUniform, .shift = 1};
  EXPECT_NEAR(quantile_time(uniform, 0, 9), 1.0 / 18, 1e-12);
  EXPECT_NEAR(quantile_time({.shift = 1}, 4, 9), 0.5, 1e-9);
  // The sigmoid of a normal's upper quartile, 0.67449.
  EXPECT_NEAR(quantile_time({.shift = 1}, 1, 2), 1 / (1 + std::exp(-0.6744897501960817)), 1e-9);
}

TEST(FlowMatching, ADrawIsKeyedBySeedStepAndSample) {
  const FlowOptions options;
  const std::int64_t samples[] = {4, 8};
  const FlowDraw draw = draw_training_flow(options, 1, 10, samples);
  ASSERT_EQ(draw.times.shape(), (Shape{2}));
  ASSERT_EQ(draw.noise.size(), 2U);
  EXPECT_EQ(draw.times.data<float>()[1], static_cast<float>(training_time(options, 1, 10, 8)));
  const std::int64_t alone[] = {8};
  const FlowDraw other = draw_training_flow(options, 1, 10, alone);
  EXPECT_EQ(other.times.data<float>()[0], draw.times.data<float>()[1]);
  EXPECT_EQ(other.noise[0].normal(5), draw.noise[1].normal(5));
  EXPECT_NE(training_time(options, 2, 10, 8), training_time(options, 1, 10, 8));
  EXPECT_NE(training_time(options, 1, 11, 8), training_time(options, 1, 10, 8));
  EXPECT_NE(draw.noise[0].normal(5), draw.noise[1].normal(5));
}

}  // namespace
}  // namespace muybridge
