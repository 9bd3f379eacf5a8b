#include "train/plan/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "train/plan/report.h"

namespace muybridge {
namespace {

constexpr double kLeft = 78, kTop = 92, kRow = 30, kGap = 8, kWidth = 1100, kRight = 24;

struct Colour {
  const char* fill;
  const char* about;
};
constexpr Colour kForward{"#4c8bd6", "forward"};
constexpr Colour kBackward{"#e08a3c", "backward"};
constexpr Colour kInput{"#e08a3c", "backward, of inputs"};
constexpr Colour kWeight{"#8a6bbf", "backward, of weights"};
constexpr Colour kReduce{"#b23b4e", "gradients"};
constexpr Colour kUpdate{"#3f8f62", "update"};
constexpr Colour kIdle{"#eceae6", "waits"};

const Colour& colour_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::kForward:
      return kForward;
    case ActionKind::kBackwardInput:
      return kInput;
    case ActionKind::kBackwardWeight:
      return kWeight;
    default:
      return kBackward;
  }
}

// 1, 2 or 5 times a power of ten, so that there are about eight of them.
double tick_of(double whole) {
  const double raw = whole / 8, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double step : {1.0, 2.0, 5.0})
    if (raw <= step * power) return step * power;
  return 10 * power;
}

std::string text_at(double x, double y, int size, const char* anchor, const std::string& text) {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, size,
      anchor, text);
}

std::string box(double x, double y, double width, double height, const char* fill,
                const std::string& title) {
  return fmt::format(
      "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" fill=\"{}\" "
      "stroke=\"#ffffff\" stroke-width=\"{}\"><title>{}</title></rect>\n",
      x, y, width, height, fill, width > 4 ? 0.8 : 0.2, title);
}

}  // namespace

std::string draw_timeline(const Estimate& e, const SimulatedStep& line, const StepModel& model) {
  const Simulation& simulation = line.simulation;
  const int stages = line.schedule.placement.stages;
  const double behind = e.step.gradients + e.step.optimizer + e.step.weights;
  const double whole = simulation.finish + behind;
  const double scale = whole > 0 ? kWidth / whole : 0;
  const double bottom = kTop + stages * (kRow + kGap);
  const auto x_of = [&](double time) { return kLeft + time * scale; };

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" fill=\"#222222\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
      kLeft + kWidth + kRight, bottom + 44);
  const int steps = e.layout.micro_batches(model.workload().micro_batches);
  const int drawn = line.schedule.micro_batches;
  svg +=
      text_at(kLeft, 26, 16, "start",
              fmt::format("{}, {} micro-batch{} a replica{}: step {}, bubble {:.1f}%, MFU {:.1f}%",
                          short_name(e.layout), steps, steps == 1 ? "" : "es",
                          drawn < steps ? fmt::format(" ({} are drawn)", drawn) : "",
                          in_seconds(e.seconds()), 100 * e.bubble, 100 * e.mfu));
  const bool split = std::ranges::any_of(line.schedule.ranks[0], [](const Action& action) {
    return action.kind == ActionKind::kBackwardInput;
  });
  std::vector<Colour> legend = {kForward};
  if (split) {
    legend.push_back(kInput);
    legend.push_back(kWeight);
  } else {
    legend.push_back(kBackward);
  }
  legend.insert(legend.end(), {kReduce, kUpdate, kIdle});
  double at = kLeft;
  for (const Colour& colour : legend) {
    svg += box(at, 44, 14, 14, colour.fill, colour.about);
    svg += text_at(at + 20, 56, 13, "start", colour.about);
    at += 46 + 7.2 * static_cast<double>(std::string_view(colour.about).size());
  }

  for (int rank = 0; rank < stages; ++rank) {
    const double y = kTop + rank * (kRow + kGap);
    svg += text_at(kLeft - 10, y + kRow / 2 + 5, 13, "end", fmt::format("stage {}", rank));
    svg += box(kLeft, y, simulation.finish * scale, kRow, kIdle.fill, "waits");
    const Order& order = line.schedule.ranks[static_cast<std::size_t>(rank)];
    const std::vector<Span>& spans = simulation.spans[static_cast<std::size_t>(rank)];
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (!order[i].computes()) continue;
      const double width = (spans[i].finish - spans[i].start) * scale;
      const std::string name = to_string(order[i]);
      svg += box(x_of(spans[i].start), y, width, kRow, colour_of(order[i].kind).fill,
                 fmt::format("{}: {:.1f} to {:.1f} ms", name, spans[i].start * 1e3,
                             spans[i].finish * 1e3));
      const std::string number = name.substr(1);  // "3", or "3.1" of the second part
      if (width > 8 * static_cast<double>(number.size()) + 2)
        svg += fmt::format(
            "<text x=\"{:.2f}\" y=\"{:.1f}\" font-size=\"11\" "
            "text-anchor=\"middle\" fill=\"#ffffff\">{}</text>\n",
            x_of(spans[i].start) + width / 2, y + kRow / 2 + 4, number);
    }
    const double sums = e.step.gradients, update = behind - sums;
    if (sums > 0)
      svg += box(x_of(simulation.finish), y, sums * scale, kRow, kReduce.fill,
                 fmt::format("gradients: {:.1f} ms", sums * 1e3));
    svg += box(x_of(simulation.finish + sums), y, update * scale, kRow, kUpdate.fill,
               fmt::format("update: {:.1f} ms", update * 1e3));
  }

  const double tick = whole > 0 ? tick_of(whole) : 1;
  for (int i = 0; i * tick <= whole; ++i) {
    const double x = x_of(i * tick);
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" stroke=\"#999999\" "
        "stroke-width=\"0.6\"/>\n",
        x, bottom - kGap + 4, bottom - kGap + 10);
    svg += text_at(
        x, bottom + 18, 12, "middle",
        whole >= 2 ? fmt::format("{:g} s", i * tick) : fmt::format("{:g} ms", i * tick * 1e3));
  }
  return svg + "</svg>\n";
}

}  // namespace muybridge
