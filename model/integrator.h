#pragma once

#include <functional>
#include <vector>

#include "core/tensor.h"
#include "model/solver.h"

namespace muybridge {

// The velocity of x at one of the integrator's times. It is the integrator's, which writes over it.
using VelocityAt = std::function<Tensor(const Tensor& x, double time)>;

// One way of x along a flow, step by step over falling times within [0, 1]. Of what it saw before
// it keeps one tensor like x for AB2 and DPM++ 2M, two for UniPC.
class Integrator {
 public:
  // Throws std::invalid_argument where the times do not fall.
  Integrator(Solver solver, std::vector<double> times);

  int steps() const { return static_cast<int>(times_.size()) - 1; }

  // Takes the next step: x, in place, from its first time to its last.
  void step(const Tensor& x, const VelocityAt& velocity_at);

 private:
  double length(int step) const;
  int order(int step) const;
  double stretch(int step) const;
  void step_heun(const Tensor& x, const Tensor& velocity, const VelocityAt& velocity_at) const;
  void step_ab2(const Tensor& x, const Tensor& velocity);
  void correct(const Tensor& x, const Tensor& clean) const;
  void predict(const Tensor& x, const Tensor& clean);
  void keep(const Tensor& seen);

  Solver solver_;
  std::vector<double> times_;
  int taken_ = 0;
  Tensor before_, before_that_;  // velocities, or predicted clean clips
};

}  // namespace muybridge
