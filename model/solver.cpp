#include "model/solver.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "model/flow_matching.h"

namespace muybridge {
namespace {

struct Name {
  Solver solver;
  std::string_view word, title;
};
constexpr std::array kNames = {
    Name{Solver::kEuler, "euler", "Euler"}, Name{Solver::kHeun, "heun", "Heun"},
    Name{Solver::kAb2, "ab2", "AB2"}, Name{Solver::kUniPc, "unipc", "UniPC"},
    Name{Solver::kDpmpp2m, "dpmpp_2m", "DPM++ 2M"}};

constexpr double kThousand = 1000;        // times that Wan2.1 was trained with
constexpr float kAlmostNoise = 1 - 1e-6;  // in f32, which decides how far lambda is from infinite

// As numpy's linspace rounds, which decides the thousandth below a time: no fused multiply-add.
double from_one_to_a_thousandth(int i, int steps) {
  const volatile double away = i * ((1 / kThousand - 1) / steps);
  return i == steps ? 1 / kThousand : 1 + away;
}

double even_time(Solver solver, int i, int steps) {
  switch (solver) {
    case Solver::kEuler:
    case Solver::kHeun:
    case Solver::kAb2:
      break;
    case Solver::kUniPc:
      return from_one_to_a_thousandth(i, steps);
    case Solver::kDpmpp2m:
      return 1 - from_one_to_a_thousandth(steps - i, steps);
  }
  return 1.0 - static_cast<double>(i) / steps;
}

}  // namespace

std::vector<std::string> solver_words() {
  std::vector<std::string> words;
  words.reserve(kNames.size());
  for (const Name& name : kNames) words.emplace_back(name.word);
  return words;
}

std::optional<Solver> solver_from(std::string_view word) {
  const auto* const found = std::ranges::find(kNames, word, &Name::word);
  if (found == kNames.end()) return std::nullopt;
  return found->solver;
}

std::string_view title_of(Solver solver) {
  return kNames.at(static_cast<std::size_t>(solver)).title;
}

std::vector<double> sampling_times(Solver solver, int steps, double shift) {
  if (steps < 1)
    throw std::invalid_argument(fmt::format("sampler: {} steps; at least one is needed", steps));
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(steps) + 1);
  for (int i = 0; i < steps; ++i) times.push_back(shifted_time(even_time(solver, i, steps), shift));
  times.push_back(0);
  // Later where the next time is so late, that they still fall.
  if (solver == Solver::kUniPc) times[0] = std::max<double>(kAlmostNoise, (1 + times[1]) / 2);
  return times;
}

double told_time(Solver solver, double time) {
  if (solver != Solver::kUniPc && solver != Solver::kDpmpp2m) return time;
  return std::floor(kThousand * time) / kThousand;
}

}  // namespace muybridge
