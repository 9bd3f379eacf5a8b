// Ops that video autoencoders alone have, each against its CPU twin.
#include "core/ops/frames.h"
#include "core/ops/gaussian.h"
#include "tests/core/cuda_twin.h"

namespace muybridge {
namespace {

TEST_F(CudaTwin, Frames) {
  for (const DType dtype : kFloats)
    for (const std::int64_t channels : {6, 16}) {
      const Tensor x = draw({3, 4, 5, channels}, dtype), y = draw({2, 4, 5, channels}, dtype);
      expect_same("some_frames", {x}, [](Inputs in, Device) { return some_frames(in[0], 1, 2); });
      expect_same("join_frames", {x, y}, [](Inputs in, Device) {
        return join_frames({in[1], in[0]});
      });
      expect_same("enlarge", {x}, [](Inputs in, Device) { return enlarge(in[0], 2); });
      expect_same("frames_of_channels", {x},
                  [](Inputs in, Device) { return frames_of_channels(in[0]); });
    }
}

TEST_F(CudaTwin, LatentsDrawn) {
  const RandomStream noise(3, Purpose::kTest, 1);
  for (const DType dtype : kFloats)
    for (const std::int64_t channels : {3, 16}) {
      const Tensor moments = draw({70, 2 * channels}, dtype);
      expect_same("draw_latents", {moments},
                  [&](Inputs in, Device) { return draw_latents(in[0], noise, 0.1).latents; });
      const Tensor on_cuda = moments.to(Device::kCuda);
      expect_near("mean_latents", mean_latents(on_cuda), mean_latents(moments), dtype);
      const double want = draw_latents(Var::constant(moments), noise, 0).divergence;
      EXPECT_NEAR(draw_latents(Var::constant(on_cuda), noise, 0).divergence, want,
                  tolerance(dtype) * want);
    }
}

}  // namespace
}  // namespace muybridge
