#pragma once

#include <optional>

#include "model/dit_block.h"
#include "model/dit_options.h"
#include "model/mlp.h"
#include "model/text_encoder.h"
#include "model/time_embedding.h"

namespace muybridge {

// T tokens  P token width  S text tokens  C clips  D width

// Captions as the blocks attend to them.
struct EncodedText {
  Var states;  // [S, D]
  Packing packing;
  std::vector<Var> keys;  // of each block, see CrossAttention::keys; empty: each makes its own
};

// A text-to-video diffusion transformer with the blocks of Wan2.1, over packed clips.
class Dit {
 public:
  // Adds its parameters; the caller allocates them.
  Dit(Parameters& parameters, const DitOptions& options);

  const DitOptions& options() const { return options_; }
  TokenLayout layout(const Packing& packing) const;

  EncodedText encode_text(const PackedText& text) const;
  // Makes the keys of all blocks once: for a sampler, whose text stays while the time changes.
  void precompute_keys(EncodedText& text) const;
  // The velocity at times [C] in [0, 1] (1 is noise): tokens [T, P] -> [T, P], in f32 (f64) as the
  // sums of the head's product have it. Slack rows come out unspecified.
  Var operator()(const Tensor& tokens_TP, const Tensor& times_C, const EncodedText& text,
                 const TokenLayout& layout) const;

 private:
  std::vector<Var> parameters_of_block(std::size_t block) const;

  DitOptions options_;
  const Parameters& parameters_;
  Linear patch_embedding_;
  ByteTextEncoder text_encoder_;
  Linear text_embedding_0_, text_embedding_2_;
  TimeEmbedding time_embedding_;
  std::vector<std::size_t> first_parameter_;  // of each block, then of the head
  std::vector<DitBlock> blocks_;
  Var head_modulation_;  // [2, D]
  Linear head_;
  std::optional<Mlp> detail_;  // added to what the linear head gives
};

}  // namespace muybridge
