#include "eval/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/html.h"

namespace muybridge {
namespace {

constexpr double kWidth = 560, kHeight = 250;  // of the picture, in its own units
constexpr double kLeft = 52, kRight = 14, kTop = 14, kBottom = 30;
constexpr double kLogFrom = 8;  // largest over smallest value that asks for a logarithmic axis
constexpr std::size_t kMostPoints = 400;

// Maps values to positions and knows where to put numbers.
struct Axis {
  double low = 0, high = 1;
  double from = 0, to = 1;  // positions of low and high
  bool logarithmic = false;

  double at(double value) const {
    const auto scale = [&](double v) { return logarithmic ? std::log10(v) : v; };
    const double share = (scale(value) - scale(low)) / (scale(high) - scale(low));
    return from + share * (to - from);
  }
  std::vector<double> ticks(int wanted) const;
};

// The smallest of 1, 2, 5 times a power of ten that is not below `raw`.
double nice_step(double raw) {
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<double> Axis::ticks(int wanted) const {
  std::vector<double> result;
  if (logarithmic) {
    const bool many = std::log10(high / low) > 2.5;
    for (double power = std::pow(10.0, std::floor(std::log10(low))); power <= high; power *= 10) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double tick = power * factor;
        if (many && factor != 1.0) continue;
        if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) result.push_back(tick);
      }
    }
  } else {
    const double step = nice_step((high - low) / wanted);
    for (double tick = std::ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9;
         tick += step) {
      result.push_back(std::abs(tick) < step * 1e-9 ? 0.0 : tick);
    }
  }
  return result;
}

bool usable(double value) { return std::isfinite(value); }

Curve finite(const Curve& curve) {
  Curve result;
  std::copy_if(curve.points.begin(), curve.points.end(), std::back_inserter(result.points),
               [](const Curve::Point& point) { return usable(point.value); });
  return result;
}

struct Range {
  double low = 1e300, high = -1e300;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Axis step_axis(const std::vector<Series>& series) {
  Range range;
  for (const Series& each : series) {
    for (const Curve::Point& point : each.curve.points) range.add(static_cast<double>(point.step));
  }
  if (range.low <= range.high * 0.1) range.low = 0;
  if (range.low == range.high) range.high = range.low + 1;
  return {.low = range.low, .high = range.high, .from = kLeft, .to = kWidth - kRight};
}

Axis value_axis(const std::vector<Series>& series, bool share) {
  Axis axis{.from = kHeight - kBottom, .to = kTop};
  if (share) return axis;
  Range range;
  for (const Series& each : series) {
    for (const Curve::Point& point : each.curve.points) range.add(point.value);
  }
  axis.logarithmic = range.low > 0 && range.high > kLogFrom * range.low;
  if (axis.logarithmic) {
    axis.low = range.low / 1.08;
    axis.high = range.high * 1.08;
  } else {
    const double margin = std::max((range.high - range.low) * 0.06, std::abs(range.high) * 1e-3);
    axis.low = range.low >= 0 ? std::max(0.0, range.low - margin) : range.low - margin;
    axis.high = range.high + std::max(margin, 1e-12);
  }
  return axis;
}

std::string tick_text(double value, bool share) {
  if (share) return fmt::format("{:.0f}%", value * 100);
  return value >= 1000 ? group_digits(std::llround(value)) : fmt::format("{:g}", value);
}

std::string draw_axes(const Axis& x, const Axis& y, bool share) {
  std::string svg = "<g class=\"grid\">";
  for (const double tick : y.ticks(4)) {
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}H{:.1f}\"/>", kLeft, y.at(tick), kWidth - kRight);
  }
  svg += "</g><g class=\"ticks\">";
  for (const double tick : y.ticks(4)) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kLeft - 8,
                       y.at(tick) + 4, tick_text(tick, share));
  }
  for (const double tick : x.ticks(5)) {
    if (tick != std::floor(tick)) continue;
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                       x.at(tick), kHeight - 8, group_digits(std::llround(tick)));
  }
  return svg + "</g>";
}

std::string draw_line(const Curve& curve, const Axis& x, const Axis& y, const std::string& style) {
  std::string points;
  for (const Curve::Point& point : thin_out(curve, kMostPoints).points) {
    points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ",
                          x.at(static_cast<double>(point.step)), y.at(point.value));
  }
  return fmt::format("<polyline class=\"{}\" points=\"{}\"/>", style, points);
}

std::string draw_series(const Series& series, const Axis& x, const Axis& y,
                        const std::string& over) {
  std::string svg;
  if (series.noisy) svg += draw_line(series.curve, x, y, series.style + " faint");
  svg += draw_line(series.noisy ? smooth(series.curve) : series.curve, x, y, series.style);
  if (!series.dots) return svg;
  for (const Curve::Point& point : series.curve.points) {
    svg += fmt::format(
        "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{} {:.4g}, {} {}"
        "</title></circle>",
        series.style, x.at(static_cast<double>(point.step)), y.at(point.value),
        escape_html(series.name), point.value, escape_html(over), group_digits(point.step));
  }
  return svg;
}

std::string legend(const Series& series, bool share) {
  const Curve curve = series.noisy ? smooth(series.curve) : series.curve;
  const double last = curve.points.back().value;
  return fmt::format("<span class=\"key {}\"><i></i>{} <b>{}</b></span>", series.style,
                     escape_html(series.name),
                     share          ? format_percent(last)
                     : last >= 1000 ? group_digits(std::llround(last))
                                    : fmt::format("{:.3g}", last));
}

}  // namespace

Curve smooth(const Curve& curve) {
  Curve result = curve;
  const double window = std::clamp(static_cast<double>(curve.points.size()) / 40.0, 1.0, 200.0);
  const double keep = 1.0 - 1.0 / window;
  double sum = 0, weight = 0;
  for (Curve::Point& point : result.points) {
    sum = keep * sum + point.value;
    weight = keep * weight + 1.0;
    point.value = sum / weight;
  }
  return result;
}

Curve thin_out(const Curve& curve, std::size_t count) {
  const std::size_t size = curve.points.size();
  if (size <= count) return curve;
  const std::size_t stretches = std::max<std::size_t>(1, count / 2);
  const auto lower = [](const Curve::Point& a, const Curve::Point& b) { return a.value < b.value; };
  Curve result;
  for (std::size_t i = 0; i < stretches; ++i) {
    const auto begin = curve.points.begin() + static_cast<std::ptrdiff_t>(size * i / stretches);
    const auto end = curve.points.begin() + static_cast<std::ptrdiff_t>(size * (i + 1) / stretches);
    const auto [low, high] = std::minmax_element(begin, end, lower);
    result.points.push_back(*std::min(low, high));
    if (low != high) result.points.push_back(*std::max(low, high));
  }
  return result;
}

std::string draw_chart(const Chart& chart) {
  std::vector<Series> drawn;
  for (Series series : chart.series) {
    series.curve = finite(series.curve);
    if (!series.curve.points.empty()) drawn.push_back(std::move(series));
  }
  if (drawn.empty()) return "";
  const Axis x = step_axis(drawn), y = value_axis(drawn, chart.share);
  std::string html = fmt::format("<figure class=\"chart\"><figcaption><h3>{}</h3><span>",
                                 escape_html(chart.title));
  for (const Series& series : drawn) html += legend(series, chart.share);
  html += fmt::format(
      "</span></figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{} over the "
      "{}s\">",
      kWidth, kHeight, escape_html(chart.title), escape_html(chart.over));
  html += draw_axes(x, y, chart.share);
  for (const Series& series : drawn) html += draw_series(series, x, y, chart.over);
  return html + "</svg></figure>\n";
}

}  // namespace muybridge
