// cuDNN compiles its plans for an H100 that is not there: which attention it has kernels for, and
// how much workspace they take. No values, no speed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "core/cuda/libraries.h"
#include "tests/cuda_plans/small_plans.h"

namespace muybridge::cuda {
namespace {

struct Problem {
  const char* what;
  std::int64_t clips, heads, head_width, queries, keys;  // of the longest clip
  bool cross = false;                                    // q and kv are tensors of their own
};

// Lengths as cuda::attention_forward rounds them, to a power of two.
constexpr Problem kProblems[] = {
    {"1.3B, 480p x 81", 1, 12, 128, 32768, 32768},
    {"1.3B, text", 1, 12, 128, 32768, 512, true},
    {"1.3B, tensor 4", 1, 3, 128, 32768, 32768},
    {"1.3B, a ring of 8", 1, 12, 128, 4096, 4096, true},
    {"1.3B, 8 clips", 8, 12, 128, 4096, 4096},
    {"1.3B, 128 images", 128, 12, 128, 2048, 2048},
    {"14B, 720p x 81", 1, 40, 128, 131072, 131072},
    {"14B, 720p x 81, tensor 8", 1, 5, 128, 131072, 131072},
    {"14B, text", 1, 40, 128, 131072, 512, true},
    {"heads of 8", 16, 6, 8, 1024, 1024},
    {"heads of 32", 16, 6, 32, 1024, 1024},
    {"heads of 32, text", 16, 6, 32, 1024, 128, true},
    {"heads of 40", 16, 6, 40, 1024, 1024},
    {"heads of 48", 16, 6, 48, 1024, 1024},
    {"heads of 80", 16, 6, 80, 1024, 1024},
    {"heads of 96", 16, 6, 96, 1024, 1024},
    {"heads of 112", 16, 6, 112, 1024, 1024},
    {"heads of 64", 16, 6, 64, 1024, 1024},
    {"heads of 64, text", 16, 6, 64, 1024, 128, true},
};

AttentionPlanKey key_of(const Problem& p, bool backward) {
  const std::int64_t width = p.heads * p.head_width, own = p.cross ? width : 3 * width,
                     theirs = p.cross ? 2 * width : 3 * width;
  return {.batch = p.clips,
          .heads = p.heads,
          .head_width = p.head_width,
          .longest_query = p.queries,
          .longest_key = p.keys,
          .query_rows = p.clips * p.queries,
          .key_rows = p.clips * p.keys,
          .q_stride = own,
          .k_stride = theirs,
          .v_stride = theirs,
          .dq_stride = backward ? own : 0,
          .dk_stride = backward ? theirs : 0,
          .dv_stride = backward ? theirs : 0};
}

class AttentionPlans : public ::testing::TestWithParam<Problem> {};

TEST_P(AttentionPlans, ForwardNeedsNoWorkspaceToSpeakOf) {
  const AttentionGraph graph(key_of(GetParam(), false), h100());
  EXPECT_LE(graph.workspace_bytes(), 1 << 20);
}

// Its sums of dq are in f32, in rows as wide as those of the gradient that it lies in. The one
// whose order of sums is fixed may hold all scores before cuDNN 9.25, as long as these are few.
TEST_P(AttentionPlans, BackwardTakesNoMoreThanItsSumsOrItsScores) {
  const Problem& p = GetParam();
  const AttentionPlanKey key = key_of(p, true);
  const AttentionGraph graph(key, h100());
  const std::int64_t sums = 4 * key.query_rows * key.dq_stride,
                     statistics = 4 * 2 * key.query_rows * key.heads;
  const std::int64_t scores = 2 * p.clips * p.heads * p.queries * p.keys;
  const bool in_order = dnn_calls().cudnnGetVersion() >= 92500;
  EXPECT_TRUE(graph.deterministic() || !in_order);
  const std::int64_t most = graph.deterministic() && !in_order ? sums + scores : sums;
  EXPECT_LE(graph.workspace_bytes(), most + most / 50 + statistics + (1 << 20));
  RecordProperty("workspace", fmt::format("{}", graph.workspace_bytes()));
  fmt::print("{}: {} MB, {}\n", p.what, graph.workspace_bytes() / 1000000,
             graph.deterministic() ? "deterministic" : "not deterministic");
}

INSTANTIATE_TEST_SUITE_P(H100, AttentionPlans, ::testing::ValuesIn(kProblems),
                         [](const auto& instance) {
                           std::string name;
                           for (const char each : std::string_view(instance.param.what))
                             if (std::isalnum(static_cast<unsigned char>(each))) name += each;
                           return name;
                         });

TEST(AttentionPlansOfNoKernel, SayWhatCudnnSays) {
  const AttentionPlanKey key = key_of({"", 1, 1, 127, 128, 128}, false);
  try {
    const AttentionGraph graph(key, h100());
    FAIL() << "heads of 127 columns";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("1 heads x 127"), std::string::npos) << error.what();
  }
}

TEST(AttentionPlansAndTheUser, SayHowMuchTheScoresMayTake) {
  if (dnn_calls().cudnnGetVersion() < 92500) GTEST_SKIP() << "before 9.25 there is no choice";
  const std::string before = std::getenv(kScoreLimit);
  EXPECT_EQ(before, "0");
  ::setenv(kScoreLimit, "-1", 1);  // as much as they want
  const AttentionPlanKey large = key_of(kProblems[0], true), small = key_of(kProblems[4], true);
  EXPECT_FALSE(AttentionGraph(large, h100()).deterministic());
  const AttentionGraph with_scores(small, h100());
  ::setenv(kScoreLimit, before.c_str(), 1);
  EXPECT_TRUE(with_scores.deterministic());
  EXPECT_GT(with_scores.workspace_bytes(),
            2 * small.batch * small.heads * small.longest_query * small.longest_key);
}

}  // namespace
}  // namespace muybridge::cuda
