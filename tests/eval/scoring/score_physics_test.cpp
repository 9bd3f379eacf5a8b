#include "eval/scoring/score_physics.h"

#include <gtest/gtest.h>

#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

// The same pictures at another speed show another gravity.
TEST(ScorePhysics, GravityIsWrongWhenTimeRunsFasterOrSlower) {
  const SyntheticOptions options{.width = 32, .height = 32};
  for (std::uint64_t number = 0; number < 50; ++number) {
    const SyntheticClip clip = synthesize(CorpusKind::kPhysics, options, 21, Split::kTrain, number);
    const Claim claim = read_caption(clip.caption)->things.front();
    EXPECT_EQ(score_physics(clip.frames, 8, claim).at("gravity"), 1.0) << clip.caption;
    for (const double fps : {6.0, 10.0}) {
      EXPECT_EQ(score_physics(clip.frames, fps, claim).at("gravity"), 0.0)
          << clip.caption << " at " << fps;
    }
  }
}

}  // namespace
}  // namespace muybridge
