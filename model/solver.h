#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// Ways to integrate the flow from noise (t = 1) to a clip (t = 0).
//   Euler: first order, one evaluation of the model a step.
//   Heun: second order, two.
//   Ab2: Adams-Bashforth, second order with the velocity of the step before, one.
//   UniPc: UniPC-2 with B2(h), predicting the clean clip (Zhao et al., arXiv:2302.04867), one.
//   Dpmpp2m: DPM-Solver++(2M) (Lu et al., arXiv:2211.01095), one.
enum class Solver : std::uint8_t { kEuler, kHeun, kAb2, kUniPc, kDpmpp2m };

// euler, heun, ab2, unipc, dpmpp_2m; in the order of the enumeration.
std::vector<std::string> solver_words();
std::optional<Solver> solver_from(std::string_view word);
std::string_view title_of(Solver solver);  // for people: "DPM++ 2M"

// steps + 1 falling times from noise to a clip, which is at 0; for the shift see shifted_time.
// Euler, Heun and Ab2 divide [0, 1] evenly before it. The two others have the times with which
// Wan2.1 is drawn, the sigmas of diffusers' UniPCMultistepScheduler and DPMSolverMultistepScheduler
// with use_flow_sigmas and flow_shift:
//   UniPc divides [0.001, 1] evenly before the shift; then its last time is 0 and its first is
//   1 - 1e-6 rounded to f32, where lambda is finite;
//   Dpmpp2m divides [0, 0.999] evenly before the shift.
// Throws std::invalid_argument for no steps.
std::vector<double> sampling_times(Solver solver, int steps, double shift);

// What the model is told at one of these times. Those schedulers tell it whole thousandths, rounded
// down; the others tell it the time itself.
double told_time(Solver solver, double time);

}  // namespace muybridge
