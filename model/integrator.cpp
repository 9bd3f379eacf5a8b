#include "model/integrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/ops/accumulate.h"

namespace muybridge {
namespace {

// lambda, half the logarithm of the signal-to-noise ratio. Infinite at 0 and at 1.
double log_signal_over_noise(double time) { return std::log((1 - time) / time); }

}  // namespace

Integrator::Integrator(Solver solver, std::vector<double> times)
    : solver_(solver), times_(std::move(times)) {
  const bool fall = std::ranges::adjacent_find(times_, std::less_equal()) == times_.end();
  if (times_.size() < 2 || !fall || times_.front() > 1 || times_.back() < 0)
    throw std::invalid_argument(fmt::format(
        "integrator: {} times; at least two are needed, which fall within [0, 1]", times_.size()));
}

void Integrator::step(const Tensor& x, const VelocityAt& velocity_at) {
  if (taken_ == steps())
    throw std::invalid_argument(fmt::format("integrator: all {} steps are taken", steps()));
  const double time = times_[taken_];
  const Tensor velocity = velocity_at(x, time);
  switch (solver_) {
    case Solver::kEuler:
      blend(length(taken_), velocity, 1, x);
      break;
    case Solver::kHeun:
      step_heun(x, velocity, velocity_at);
      break;
    case Solver::kAb2:
      step_ab2(x, velocity);
      break;
    case Solver::kUniPc:
    case Solver::kDpmpp2m: {
      const Tensor& clean = velocity;
      blend(1, x, -time, clean);
      if (solver_ == Solver::kUniPc) correct(x, clean);
      predict(x, clean);
      break;
    }
  }
  ++taken_;
}

double Integrator::length(int step) const { return times_[step + 1] - times_[step]; }

// Of UniPC and DPM++: the first step knows no other, and the last leads to an infinite lambda.
int Integrator::order(int step) const { return step == 0 || step + 1 == steps() ? 1 : 2; }

// How long a step of second order is in lambda, over the step before it; 0 behind one from t = 1.
double Integrator::stretch(int step) const {
  const double start = log_signal_over_noise(times_[step]);
  return (log_signal_over_noise(times_[step + 1]) - start) /
         (start - log_signal_over_noise(times_[step - 1]));
}

// The last step is Euler's: no model is asked for a velocity at 0.
void Integrator::step_heun(const Tensor& x, const Tensor& velocity,
                           const VelocityAt& velocity_at) const {
  if (taken_ + 1 < steps()) {
    const Tensor guess = x.clone();
    blend(length(taken_), velocity, 1, guess);
    blend(0.5, velocity_at(guess, times_[taken_ + 1]), 0.5, velocity);
  }
  blend(length(taken_), velocity, 1, x);
}

void Integrator::step_ab2(const Tensor& x, const Tensor& velocity) {
  const double step = length(taken_);
  if (before_.defined()) {
    const double ratio = step / length(taken_ - 1);
    blend(step * (1 + ratio / 2), velocity, 1, x);
    blend(-step * ratio / 2, before_, 1, x);
  } else {
    blend(step, velocity, 1, x);
  }
  keep(velocity);
}

// UniC (Zhao et al. 2023, algorithm 1): the step that led to x is taken again, now that the clean
// clip m_t of its end is known. With w = 1 - t / s and r the stretch,
//   x_t = (t / s) x_s + w (m_s + r / 2 (m_s - m_r)) becomes
//   x_t = (t / s) x_s + w (m_s + a (m_s - m_r) + c (m_t - m_s)),
// exact for clean clips that are quadratic in lambda. x_s itself is not needed.
void Integrator::correct(const Tensor& x, const Tensor& clean) const {
  if (taken_ == 0) return;
  const int last = taken_ - 1;
  const double weight = 1 - times_[taken_] / times_[last];
  if (order(last) == 1) {
    blend(weight / 2, clean, 1, x);
    blend(-weight / 2, before_, 1, x);
    return;
  }
  const double h = log_signal_over_noise(times_[taken_]) - log_signal_over_noise(times_[last]);
  const double b = std::expm1(-h), first = -1 / h - 1 / b, second = -2 * first / h - 1 / b;
  const double r = stretch(last);
  const double a = r * r * (first - second) / (1 + r), c = (first + r * second) / (1 + r);
  blend(weight * c, clean, 1, x);
  blend(weight * (a - r / 2 - c), before_, 1, x);
  blend(-weight * (a - r / 2), before_that_, 1, x);
}

// A step of DPM-Solver++(2M), which is also UniP-2 with B2(h). With the clean clips m_s of its
// start and m_r of the start before, and r the stretch,
//   x_t = (t / s) x_s + (1 - t / s) (m_s + r / 2 (m_s - m_r)).
void Integrator::predict(const Tensor& x, const Tensor& clean) {
  const double kept = times_[taken_ + 1] / times_[taken_], weight = 1 - kept;
  if (order(taken_) == 1) {
    blend(weight, clean, kept, x);
  } else {
    const double half = stretch(taken_) / 2;
    blend(weight * (1 + half), clean, kept, x);
    blend(-weight * half, before_, 1, x);
  }
  keep(clean);
}

// A copy: what is seen may be a part of a larger tensor, which would live on.
void Integrator::keep(const Tensor& seen) {
  if (solver_ == Solver::kUniPc) std::swap(before_, before_that_);
  if (!before_.defined()) before_ = Tensor::empty(seen.shape(), seen.dtype(), seen.device());
  before_.copy_from(seen);
}

}  // namespace muybridge
