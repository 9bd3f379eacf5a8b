#pragma once

#include <cstdint>
#include <string_view>

#include "core/packing.h"

namespace muybridge {

// What the head's numbers mean: the velocity itself, as in Wan2.1, or the clean clip, from which
// the velocity follows (Li and He 2025, arXiv:2511.13720). Noise has as many dimensions as a patch
// has numbers and pictures have few, so where a patch is not much smaller than the width, only the
// clean clip can be learned.
enum class Prediction : std::uint8_t { kVelocity, kClean };

// What is made again in backward instead of being kept from forward (docs/layouts.md has the
// bytes).
enum class Recompute : std::uint8_t {
  kNone,
  kAttention,  // q, k and v of both attentions, from what the norms before them gave
  kBlock,      // all of a block, from the stream of tokens that goes into it
};

std::string_view to_string(Recompute recompute);  // none, attention, block

// Which numbers the linear layers of blocks multiply: those that go through the model, or of 8 bits
// with a scale a tensor (core/ops/product/linear_fp8.h).
enum class BlockProducts : std::uint8_t { kOfPrecision, kFp8 };

// What a DiT is built from.
struct DitOptions {
  int channels = 3;                                  // of a pixel or latent
  Grid patch{.frames = 2, .height = 4, .width = 4};  // pixels or latents of a token
  std::int64_t width = 128;
  int depth = 4;  // blocks
  std::int64_t heads = 4;
  std::int64_t mlp_width = 512;
  std::int64_t head_mlp_width = 0;  // hidden width of the MLP beside the linear head; 0: none
  std::int64_t text_width = 128;
  int text_depth = 2;  // blocks of the text encoder
  std::int64_t text_heads = 4;
  Prediction prediction = Prediction::kVelocity;
  double rope_theta = 10000.0;
  double eps = 1e-6;           // of all norms
  bool sine_positions = true;  // added to the patches; rotary ones are always there
  Recompute recompute = Recompute::kNone;
  BlockProducts linear = BlockProducts::kOfPrecision;

  std::int64_t token_width() const { return channels * patch.tokens(); }
};

// Multiply-adds of a forward on one token.
struct TokenCosts {
  double products;     // of a block's linear layers
  double pair;         // of a block's self-attention, for each token of the clip
  double first, last;  // of the patch embedding and of the head
};
TokenCosts token_costs(const DitOptions& options);

// Floating-point operations of one training step (forward and backward, 3 x forward) over packed
// clips with captions of `text_tokens` in all: matrix products and attention, 2 a multiply-add.
double training_flops(const DitOptions& options, const Packing& clips, const Packing& text);

}  // namespace muybridge
