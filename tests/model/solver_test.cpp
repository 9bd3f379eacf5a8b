#include "model/solver.h"

#include <gmock/gmock.h>

#include <functional>
#include <stdexcept>

// The times of UniPC and DPM++ 2M are also those of tests/golden/solvers.safetensors.
namespace muybridge {
namespace {

constexpr Solver kAll[] = {Solver::kEuler, Solver::kHeun, Solver::kAb2, Solver::kUniPc,
                           Solver::kDpmpp2m};

TEST(Solver, EachHasAWordAndATitleInItsPlace) {
  EXPECT_THAT(solver_words(), ::testing::ElementsAre("euler", "heun", "ab2", "unipc", "dpmpp_2m"));
  std::vector<std::string> titles;
  for (const Solver solver : kAll) {
    EXPECT_EQ(solver_from(solver_words().at(static_cast<std::size_t>(solver))), solver);
    titles.emplace_back(title_of(solver));
  }
  EXPECT_THAT(titles, ::testing::ElementsAre("Euler", "Heun", "AB2", "UniPC", "DPM++ 2M"));
  EXPECT_EQ(solver_from("Euler"), std::nullopt);
  EXPECT_EQ(solver_from(""), std::nullopt);
}

TEST(Solver, TimesFallToZeroAndTheShiftKeepsThemNearNoise) {
  for (const Solver solver : {Solver::kEuler, Solver::kHeun, Solver::kAb2}) {
    const std::vector<double> plain = sampling_times(solver, 4, 1),
                              shifted = sampling_times(solver, 4, 3);
    EXPECT_EQ(plain, (std::vector<double>{1, 0.75, 0.5, 0.25, 0}));
    ASSERT_EQ(shifted.size(), 5U);
    EXPECT_EQ(shifted.front(), 1);
    EXPECT_EQ(shifted.back(), 0);
    for (int i = 1; i < 4; ++i) EXPECT_NEAR(shifted[i], 3 * plain[i] / (1 + 2 * plain[i]), 1e-12);
  }
}

TEST(Solver, TimesFallHoweverManyAndHoweverShifted) {
  for (const Solver solver : kAll)
    for (const int steps : {1, 2, 1000, 10000})
      for (const double shift : {0.001, 1.0, 1000.0}) {
        const std::vector<double> times = sampling_times(solver, steps, shift);
        EXPECT_EQ(std::ssize(times), steps + 1);
        EXPECT_EQ(std::ranges::adjacent_find(times, std::less_equal()), times.end())
            << title_of(solver) << " " << steps << " " << shift;
        EXPECT_LE(times.front(), 1);
        EXPECT_EQ(times.back(), 0);
      }
}

TEST(Solver, OnlyThoseOfDiffusersTellWholeThousandths) {
  for (const Solver solver : {Solver::kEuler, Solver::kHeun, Solver::kAb2})
    EXPECT_EQ(told_time(solver, 0.43219), 0.43219);
  for (const Solver solver : {Solver::kUniPc, Solver::kDpmpp2m}) {
    EXPECT_EQ(told_time(solver, 0.43219), 0.432);
    EXPECT_EQ(told_time(solver, 0.999999), 0.999);
    EXPECT_EQ(told_time(solver, 0.0009), 0);
  }
}

TEST(Solver, RefusesNoSteps) {
  for (const Solver solver : kAll)
    EXPECT_THROW(sampling_times(solver, 0, 3), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
