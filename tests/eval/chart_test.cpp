#include "eval/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace muybridge {
namespace {

Curve curve_of(const std::vector<double>& values) {
  Curve curve;
  for (const double value : values) {
    curve.points.push_back({static_cast<std::int64_t>(curve.points.size()) + 1, value});
  }
  return curve;
}

Chart chart_of(const std::vector<double>& values) {
  return {.title = "Loss",
          .series = {{.name = "train", .style = "ink-1", .curve = curve_of(values)}}};
}

TEST(Chart, IsEmptyWithoutAPointToDraw) {
  EXPECT_EQ(draw_chart(chart_of({})), "");
  EXPECT_EQ(draw_chart(chart_of({std::nan(""), std::numeric_limits<double>::infinity()})), "");
}

TEST(Chart, StaysInThePictureWhateverTheValues) {
  for (const std::vector<double>& values : {std::vector<double>{1.0},
                                            {0.0},
                                            {0.0, 0.0},
                                            {-3.0, 5.0},
                                            {1e-9, 1e9},
                                            {1e300, 1e-300},
                                            {5.0, std::nan(""), 4.0},
                                            {1.0, 1.0, 1.0},
                                            {-2.0, -2.0}}) {
    const std::string svg = draw_chart(chart_of(values));
    EXPECT_NE(svg.find("<svg"), std::string::npos);
    EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
    EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
    const std::size_t begin = svg.find("points=\"") + 8;
    double x = 0, y = 0;
    int used = 0;
    for (std::size_t at = begin; std::sscanf(svg.c_str() + at, "%lf,%lf%n", &x, &y, &used) == 2;
         at += std::size_t(used)) {
      EXPECT_GE(x, 0);
      EXPECT_LE(x, 560);
      EXPECT_GE(y, 0);
      EXPECT_LE(y, 250);
    }
  }
}

TEST(Chart, UsesALogarithmicAxisForValuesFarApart) {
  const std::string far = draw_chart(chart_of({1.0, 0.1, 0.01}));
  for (const char* tick : {">1<", ">0.1<", ">0.01<"}) EXPECT_NE(far.find(tick), std::string::npos);
  const std::string near = draw_chart(chart_of({1.0, 0.8, 0.6}));
  for (const char* tick : {">1<", ">0.8<", ">0.6<"}) EXPECT_NE(near.find(tick), std::string::npos);
}

TEST(Chart, EscapesItsNames) {
  Chart chart = chart_of({1, 2});
  chart.title = "<b>";
  chart.series[0].name = "\"a\" & b";
  const std::string svg = draw_chart(chart);
  EXPECT_EQ(svg.find("<b>\""), std::string::npos);
  EXPECT_NE(svg.find("&lt;b&gt;"), std::string::npos);
  EXPECT_NE(svg.find("&quot;a&quot; &amp; b"), std::string::npos);
}

TEST(Chart, ALongCurveStaysAShortPicture) {
  std::vector<double> values(200'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0 + std::sin(0.001 * double(i));
  Chart chart = chart_of(values);
  chart.series[0].noisy = true;
  EXPECT_LT(draw_chart(chart).size(), 20'000U);
}

TEST(ThinOut, KeepsTheExtremesAndTheOrder) {
  std::vector<double> values(10'000, 1.0);
  values[1234] = 50;
  values[8765] = -50;
  const Curve thin = thin_out(curve_of(values), 100);
  EXPECT_LE(thin.points.size(), 101U);
  double low = 0, high = 0;
  for (std::size_t i = 0; i < thin.points.size(); ++i) {
    low = std::min(low, thin.points[i].value);
    high = std::max(high, thin.points[i].value);
    EXPECT_TRUE(i == 0 || thin.points[i - 1].step < thin.points[i].step);
  }
  EXPECT_EQ(low, -50);
  EXPECT_EQ(high, 50);
}

TEST(Smooth, KeepsAConstantAndTheFirstValue) {
  for (const Curve::Point& point : smooth(curve_of(std::vector<double>(300, 2.5))).points) {
    EXPECT_DOUBLE_EQ(point.value, 2.5);
  }
  std::vector<double> alternating(4000);
  for (std::size_t i = 1; i < alternating.size(); i += 2) alternating[i] = 1;
  const Curve curve = smooth(curve_of(alternating));
  EXPECT_EQ(curve.points.front().value, 0.0);
  EXPECT_NEAR(curve.points.back().value, 0.5, 0.01);
}

}  // namespace
}  // namespace muybridge
