#include "model/autoencoder/whole_clips.h"

#include "core/ops/gaussian.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

// Two chunks and a part of one: 4 latents, 4 and 1.
TEST(WholeClips, InChunksGiveWhatOneCallGives) {
  Parameters parameters;
  const Autoencoder autoencoder(parameters, {.latent_channels = 2,
                                             .width = 4,
                                             .multiples = {1, 2, 2},
                                             .halves_frames = {false, true},
                                             .blocks = 1});
  parameters.allocate(DType::kF64, 3);
  const NoGradScope no_grad;
  for (const std::int64_t frames : {1, 7, 17}) {
    const Tensor pixels = random_tensor({frames, 8, 12, 3}, 1);
    FrameMemory encoding, decoding;
    const Tensor want = mean_latents(autoencoder.encode(Var::constant(pixels), encoding).value());
    const Tensor latents = encode_clip(autoencoder, pixels);
    ASSERT_EQ(latents.shape(), Shape({1 + (frames - 1) / 2, 2, 3, 2}));
    for (std::int64_t i = 0; i < want.numel(); ++i)
      ASSERT_NEAR(latents.data<double>()[i], want.data<double>()[i], 1e-12);
    const Tensor drawn = autoencoder.decode(Var::constant(want), decoding).value(),
                 got = decode_clip(autoencoder, latents);
    ASSERT_EQ(got.shape(), pixels.shape());
    for (std::int64_t i = 0; i < drawn.numel(); ++i)
      ASSERT_NEAR(got.data<double>()[i], drawn.data<double>()[i], 1e-11);
  }
}

TEST(WholeClips, OfALengthThatTheModelCannotTakeAreRefused) {
  Parameters parameters;
  const Autoencoder autoencoder(
      parameters, {.latent_channels = 2, .width = 4, .multiples = {1, 2}, .halves_frames = {true}});
  parameters.allocate(DType::kF64, 3);
  EXPECT_THROW(encode_clip(autoencoder, random_tensor({4, 8, 8, 3}, 1)), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
