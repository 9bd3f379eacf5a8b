#include "train/plan/holdings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/dit.h"
#include "tests/train/plan/plan_cases.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

DitOptions model() { return dit_options(testing::plan_config()); }

std::int64_t whole() {
  Parameters parameters;
  const Dit dit(parameters, model());
  return parameters.flat_size();
}

TEST(Holdings, OfOneRankAreTheWholeModel) {
  const std::vector<Holdings> one = holdings_of(model(), 1, {});
  ASSERT_EQ(one.size(), 1);
  EXPECT_EQ(one[0].flat, whole());
  // d: 3 d^2 + d^2, d^2 + 2 d^2 + d^2, 2 d f; biases, norms and the modulation are the rest.
  const std::int64_t d = 1024, f = 4096, products = 8 * d * d + 2 * d * f;
  EXPECT_GT(one[0].largest_block, products);
  EXPECT_LT(one[0].largest_block, 1.01 * static_cast<double>(products));
}

TEST(Holdings, OfStagesAreTheWholeAndConditionsOnEach) {
  const std::vector<Holdings> stages = holdings_of(model(), 1, {.stages = 4});
  ASSERT_EQ(stages.size(), 4);
  std::int64_t sum = 0;
  for (const Holdings& each : stages) sum += each.flat;
  EXPECT_EQ(sum, whole() + 3 * static_cast<std::int64_t>(stages[1].by_copies[2] +
                                                         stages[1].by_copies[3]));
  EXPECT_GT(stages[1].by_copies[2] + stages[1].by_copies[3], 0);
}

TEST(Holdings, AreSplitOverTensorRanks) {
  const Holdings one = holdings_of(model(), 1, {})[0], eight = holdings_of(model(), 8, {})[0];
  EXPECT_NEAR(static_cast<double>(eight.largest_block) / static_cast<double>(one.largest_block),
              1.0 / 8, 0.002);
  EXPECT_GT(eight.flat, one.flat / 8);  // what is not split is on each
}

// Five times 2 (2 r c m + m^3) of an r x c matrix, m the smaller.
TEST(Holdings, CountsWhatMuonDoes) {
  DitOptions tiny;
  tiny.width = 8, tiny.depth = 1, tiny.heads = 2, tiny.mlp_width = 16;
  tiny.text_width = 8, tiny.text_depth = 0, tiny.text_heads = 2;
  const Holdings held = holdings_of(tiny, 1, {})[0];
  EXPECT_GT(held.hidden, 8 * 8 * 8);
  Parameters parameters;
  const Dit dit(parameters, tiny);
  const auto matrices = std::ranges::count_if(
      parameters.list(), [](const Parameter& parameter) { return parameter.spec.hidden; });
  // All of them have 8 as their smaller side.
  EXPECT_EQ(held.orthogonal_operations,
            5 * 2 * (2 * 8 * held.hidden + 512 * static_cast<double>(matrices)));
}

}  // namespace
}  // namespace muybridge
