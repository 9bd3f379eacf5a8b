#include "model/integrator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/core/gradient_check.h"
#include "tests/model/mixture_flow.h"

namespace muybridge {
namespace {

constexpr Solver kAll[] = {Solver::kEuler, Solver::kHeun, Solver::kAb2, Solver::kUniPc,
                           Solver::kDpmpp2m};
// Broad, so that few steps resolve it.
const MixtureFlow kFlow{
    .means = {0.5, -0.4, -0.6, 0.3}, .deviations = {0.8, 0.7}, .weights = {0.6, 0.4}};

// From 1, where lambda is infinite, to 0, where it is, too.
std::vector<double> even_times(int steps) {
  return sampling_times(Solver::kEuler, steps, /*shift=*/1);
}

Tensor noise() { return testing::random_tensor({16, 2}, 3); }

Tensor walk(Solver solver, const std::vector<double>& times, const VelocityAt& velocity_at) {
  const Tensor x = noise();
  Integrator integrator(solver, times);
  for (int i = 0; i < integrator.steps(); ++i) integrator.step(x, velocity_at);
  return x;
}

// Halving the step halves the error of a first-order method and quarters that of a second-order
// one; nearly so for DPM++ 2M, whose first steps in lambda stay as long as they are, so that the
// error falls like h^2 log(1 / h).
TEST(Integrator, EverySolverHasTheOrderThatItClaims) {
  const Tensor exact = walk(Solver::kHeun, even_times(16384), kFlow);
  for (const Solver solver : kAll) {
    const double coarse = largest_difference(walk(solver, even_times(512), kFlow), exact),
                 fine = largest_difference(walk(solver, even_times(1024), kFlow), exact);
    const double order = solver == Solver::kEuler ? 1 : 2;
    EXPECT_NEAR(std::log2(coarse / fine), order, 0.2) << title_of(solver) << " " << fine;
  }
}

// The velocity t, whatever x is: all that is left of t^2 / 2 is what Euler's first step misses.
TEST(Integrator, Ab2IsExactOverUnevenStepsWhereTheVelocityGrowsEvenly) {
  const Tensor x = Tensor::of<double>({1, 1}, {0.5});
  Integrator integrator(Solver::kAb2, {1, 0.9, 0.5, 0.2});
  for (int i = 0; i < 3; ++i)
    integrator.step(x, [](const Tensor&, double time) {
      return Tensor::of<double>({1, 1}, {time});
    });
  EXPECT_NEAR(x.data<double>()[0], 0.2 * 0.2 / 2 - 0.1 * 0.1 / 2, 1e-15);
}

// A flow to one point is a straight line: its clean clip is the same everywhere.
TEST(Integrator, EverySolverIsExactWhereTheFlowIsStraight) {
  const MixtureFlow to_a_point{.means = {0.3, -2}, .deviations = {0}, .weights = {1}};
  const Tensor point = Tensor::of<double>({1, 2}, {0.3, -2});
  for (const Solver solver : kAll)
    for (const int steps : {1, 2, 3, 7}) {
      const Tensor x = walk(solver, sampling_times(solver, steps, 3), to_a_point);
      for (int row = 0; row < 16; ++row)
        EXPECT_LT(largest_difference(x.rows(row, 1), point), 1e-12) << title_of(solver) << steps;
    }
}

TEST(Integrator, AsksOncePerStepAndHeunTwiceButForTheLast) {
  for (const Solver solver : kAll) {
    const std::vector<double> times = even_times(5);
    std::vector<double> asked;
    walk(solver, times, [&](const Tensor& x, double time) {
      asked.push_back(time);
      return kFlow(x, time);
    });
    std::vector<double> expected(times.begin(), times.end() - 1);
    if (solver == Solver::kHeun)
      expected = {times[0], times[1], times[1], times[2], times[2],
                  times[3], times[3], times[4], times[4]};
    EXPECT_EQ(asked, expected) << title_of(solver);
  }
}

// The memory of a velocity is the caller's again after the step.
TEST(Integrator, KeepsNothingOfAVelocityThatItWasGiven) {
  for (const Solver solver : kAll) {
    const Tensor one = Tensor::empty({32, 2}, DType::kF64), x = noise();
    Integrator integrator(solver, even_times(6));
    for (int i = 0; i < 6; ++i) {
      Tensor half;
      integrator.step(x, [&](const Tensor& at, double time) {
        // Heun asks again while it holds the first.
        half = half.defined() ? Tensor::empty({16, 2}, DType::kF64) : one.rows(8, 16);
        half.copy_from(kFlow(at, time));
        return half;
      });
      const Tensor gone = Tensor::full({32, 2}, std::numeric_limits<double>::quiet_NaN());
      one.copy_from(gone.to(DType::kF64));
    }
    EXPECT_EQ(largest_difference(x, walk(solver, even_times(6), kFlow)), 0) << title_of(solver);
  }
}

TEST(Integrator, RefusesTimesThatDoNotFallAndStepsBeyondTheLast) {
  for (const std::vector<double>& times : std::vector<std::vector<double>>{
           {}, {1}, {1, 1, 0}, {0, 1}, {1.5, 0}, {1, -0.5}, {0.5, 0.6, 0}})
    EXPECT_THROW(Integrator(Solver::kEuler, times), std::invalid_argument);
  Integrator integrator(Solver::kEuler, {1, 0});
  const Tensor x = noise();
  integrator.step(x, kFlow);
  EXPECT_THROW(integrator.step(x, kFlow), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
