// UniPC and DPM-Solver++(2M) against the schedulers of diffusers, on a flow that is known exactly:
// a file made by tests/golden/make_solvers.py.
#include <gtest/gtest.h>

#include <cmath>

#include "model/integrator.h"
#include "model/safetensors.h"
#include "tests/model/mixture_flow.h"

namespace muybridge {
namespace {

struct Case {
  std::string name;  // "unipc.25.3"
  Solver solver;
  int steps;
  double shift;
};

class IntegratorGolden : public ::testing::Test {
 protected:
  IntegratorGolden()
      : file_(std::string(MUYBRIDGE_SOURCE_DIR) + "/tests/golden/solvers.safetensors"),
        flow_{.means = doubles("means"),
              .deviations = doubles("deviations"),
              .weights = doubles("weights")} {}

  std::vector<double> doubles(const std::string& name) const {
    return file_.read(name).to(DType::kF64).to_vector<double>();
  }

  std::vector<Case> cases() const {
    std::vector<Case> all;
    for (const char* word : {"unipc", "dpmpp_2m"})
      for (const auto& [steps, shift] :
           {std::pair{1, 3}, {2, 5}, {3, 3}, {8, 5}, {25, 3}, {27, 1}, {50, 8}})
        all.push_back({fmt::format("{}.{}.{}", word, steps, shift), solver_from(word).value(),
                       steps, static_cast<double>(shift)});
    EXPECT_EQ(file_.entries().size(), 4 + 3 * all.size());
    return all;
  }

  // The largest difference from their points after any step.
  double distance(const Case& each, DType dtype, const std::vector<double>& times,
                  const std::function<double(int)>& told) const {
    const Tensor points = file_.read(each.name + ".points");
    const Tensor x = file_.read("noise").to(dtype).clone();
    Integrator integrator(each.solver, times);
    double most = 0;
    for (int step = 0; step < each.steps; ++step) {
      integrator.step(x, [&](const Tensor& at, double) { return flow_(at, told(step)); });
      most = std::max(most, largest_difference(x, points.rows(step, 1)));
    }
    return most;
  }

  SafetensorsReader file_;
  MixtureFlow flow_;
};

TEST_F(IntegratorGolden, TheTimesAreTheirs) {
  for (const Case& each : cases()) {
    const std::vector<double> ours = sampling_times(each.solver, each.steps, each.shift),
                              sigmas = doubles(each.name + ".sigmas"),
                              timesteps = doubles(each.name + ".timesteps");
    ASSERT_EQ(ours.size(), sigmas.size()) << each.name;
    for (int i = 0; i <= each.steps; ++i)
      EXPECT_EQ(static_cast<float>(ours[i]), static_cast<float>(sigmas[i]))
          << each.name << " " << i;
    for (int i = 0; i < each.steps; ++i)
      EXPECT_EQ(std::round(1000 * told_time(each.solver, ours[i])), timesteps[i])
          << each.name << " " << i;
  }
}

TEST_F(IntegratorGolden, FromTheirTimesEveryStepIsTheirs) {
  for (const Case& each : cases()) {
    const std::vector<double> told = doubles(each.name + ".timesteps");
    EXPECT_LT(distance(each, DType::kF64, doubles(each.name + ".sigmas"),
                       [&](int step) { return told[step] / 1000; }),
              2e-6)
        << each.name;
  }
}

TEST_F(IntegratorGolden, FromOurTimesInF32EveryStepIsTheirs) {
  for (const Case& each : cases()) {
    const std::vector<double> times = sampling_times(each.solver, each.steps, each.shift);
    EXPECT_LT(distance(each, DType::kF32, times,
                       [&](int step) { return told_time(each.solver, times[step]); }),
              3e-6)
        << each.name;
  }
}

}  // namespace
}  // namespace muybridge
