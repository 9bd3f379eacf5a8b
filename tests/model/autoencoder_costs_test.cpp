#include "model/autoencoder/autoencoder_costs.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

// One level and one block, by hand: 12 places, of 2 channels, latents of 1.
TEST(AutoencoderCosts, AreTheSumsOverLayers) {
  const AutoencoderOptions options{
      .latent_channels = 1, .width = 2, .multiples = {1}, .halves_frames = {}, .blocks = 1};
  const double places = 3 * 2 * 2, block = 2 * 2 * 27 * 2 * 2;
  const double attention = 8 * 2 * 2 + 4 * 2 * 4;  // of a place, which sees 4
  const double encoder =
      2 * 27 * 3 * 2 + block + 2 * block + attention + 2 * 27 * 2 * 2 + 2 * 2 * 2;
  const double decoder =
      2 * 1 * 1 + 2 * 27 * 1 * 2 + 2 * block + attention + 2 * block + 2 * 27 * 2 * 3;
  EXPECT_DOUBLE_EQ(autoencoder_costs(options, {3, 2, 2}).operations, places * (encoder + decoder));
}

TEST(AutoencoderCosts, GrowWithFramesBeyondTheFirst) {
  const AutoencoderOptions wan;
  const auto of = [&](std::int32_t frames) { return autoencoder_costs(wan, {frames, 32, 32}); };
  // Each four frames cost the same, in operations and in what is kept.
  EXPECT_NEAR(of(9).operations - of(5).operations, of(13).operations - of(9).operations, 1);
  EXPECT_NEAR(of(9).kept - of(5).kept, of(13).kept - of(9).kept, 1);
  EXPECT_GT(of(9).largest, of(5).largest);
}

}  // namespace
}  // namespace muybridge
