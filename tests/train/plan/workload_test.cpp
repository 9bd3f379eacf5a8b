#include "train/plan/workload.h"

#include <gtest/gtest.h>

#include "tests/train/plan/plan_cases.h"
#include "train/config.h"

namespace muybridge {
namespace {

using testing::plan_config;

// 81 frames of 832x480 are 21 x 60 x 104 latents, by patch 1x2x2 are 32,760 tokens.
TEST(Workload, ClipsOfLatentsAreAsTheirAutoencoderMakesThem) {
  const Workload one =
      workload_of(plan_config({"batch.tokens=32760", "eval.frames=81", "eval.size=832x480"}), 512);
  EXPECT_EQ(one.clip_tokens, 32760);
  EXPECT_EQ(one.batch.clips, 1);
  EXPECT_EQ(one.batch.text_tokens, 513);
  EXPECT_EQ(
      workload_of(plan_config({"batch.tokens=70000", "eval.frames=81", "eval.size=832x480"}), 512)
          .batch.clips,
      2);
}

TEST(Workload, ClipsOfPixelsAreAsTheyAre) {
  const Workload work = workload_of(
      plan_config({"model.channels=3", "model.patch=[4,8,8]", "eval.frames=16", "eval.size=32x32"}),
      24);
  EXPECT_EQ(work.clip_tokens, 4 * 4 * 4);
  EXPECT_EQ(work.batch.clips, 64);
  EXPECT_EQ(work.batch.text_tokens, 64 * 25);
}

TEST(Workload, AClipThatIsLeftOpenFillsTheBatch) {
  EXPECT_EQ(workload_of(plan_config(), 10).clip_tokens, 4096);
}

// 3 x 2 x (L (N (6 d^2 + 2 d f) + 2 d^2 S + 2 d N (N + S)) + ends), as docs/plan.md says.
TEST(Workload, OperationsAreThoseOfTheFormula) {
  const Workload work =
      workload_of(plan_config({"model.width=64", "model.depth=2", "model.heads=2",
                               "model.mlp_width=96", "model.text_width=16", "model.text_depth=1",
                               "model.text_heads=2", "batch.tokens=8"}),
                  3);
  const double n = 8, s = 4, d = 64, f = 96, w = 16, p = 64;
  const double block = n * (6 * d * d + 2 * d * f) + 2 * d * d * s + 2 * d * n * (n + s);
  const double text = 12 * w * w * s + 2 * w * s * s + s * (w * d + d * d);
  const double ends = 2 * n * d * p + 256 * d + 7 * d * d;
  EXPECT_DOUBLE_EQ(work.operations(), 6 * (2 * block + text + ends));
}

}  // namespace
}  // namespace muybridge
