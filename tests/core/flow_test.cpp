#include "core/ops/flow.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

TEST(FlowNoise, MixesCleanAndNoiseAndTargetsTheirDifference) {
  const ClipRows clips{.clip_of = Tensor::of<std::int32_t>({6}, {0, 0, 1, 1, 1, 1}),
                       .offsets = {0, 2, 5}};
  const std::vector<RandomStream> streams = {RandomStream(1, Purpose::kNoise, 4, 5),
                                             RandomStream(1, Purpose::kNoise, 4, 9)};
  for (const std::int64_t width : {8, 6}) {
    const Tensor clean = random_tensor({6, width}, 1, DType::kF32),
                 times = Tensor::of<float>({2}, {0.25F, 0.9F});
    const NoisyTokens noisy = add_flow_noise(clean, times, streams, clips);
    for (int row = 0; row < 5; ++row)
      for (std::int64_t j = 0; j < width; ++j) {
        const int clip = row < 2 ? 0 : 1;
        const float t = times.data<float>()[clip], x = clean.data<float>()[row * width + j];
        const float noise = streams[clip].normal((row - clips.offsets[clip]) * width + j);
        EXPECT_NEAR(noisy.tokens.data<float>()[row * width + j], (1 - t) * x + t * noise, 1e-6);
        EXPECT_NEAR(noisy.velocity.data<float>()[row * width + j], noise - x, 1e-6);
      }
  }
}

}  // namespace
}  // namespace muybridge
