#pragma once

#include "core/ops/attention/attention.h"
#include "model/linear.h"
#include "model/token_layout.h"

namespace muybridge {

// T tokens  D width  A heads  E head width

// What ranks that share an attention do; with nothing set, one has all of it.
struct AttentionExchanges {
  Exchange enter;       // tokens of this rank -> tokens of all that share its heads
  Exchange enter_text;  // the same for the text
  Exchange leave;       // partial sums -> tokens of this rank
  Exchange to_heads;    // q, k and v of some tokens -> of more tokens, of some heads
  Exchange to_tokens;   // back
  // Attends in place of self_attention where the keys are not all here.
  std::function<Var(const Var& qkv, std::int64_t heads, const Packing& packing,
                    const KeptAttention& kept)>
      attend;
  SharedRows norm;  // of q and k
};

// Self-attention of Wan2.1: RMS norms over the full width of q and k, then rotary positions.
struct SelfAttention {
  Linear qkv;
  Var norm_q;
  Var norm_k;
  Linear out;
  std::int64_t heads;           // of this rank's share of qkv
  std::int64_t attended_heads;  // of this rank between to_heads and to_tokens
  double eps;
  bool remakes_qkv = false;  // in backward, instead of keeping them; what attention gave is kept
  AttentionExchanges exchanges = {};

  // `gain` is that of the output's weight, see Glorot.
  SelfAttention(Parameters& parameters, const std::string& name, std::int64_t width,
                std::int64_t head_count, double epsilon, float gain);
  Var operator()(const Var& x_TD, const TokenLayout& layout) const;
};

// Queries from the clip, keys and values from its text; the same norms, no positions.
struct CrossAttention {
  Linear q;
  Linear kv;
  Var norm_q;
  Var norm_k;
  Linear out;
  std::int64_t heads;
  double eps;
  bool remakes_q = false;  // as SelfAttention::remakes_qkv
  AttentionExchanges exchanges = {};

  CrossAttention(Parameters& parameters, const std::string& name, std::int64_t width,
                 std::int64_t head_count, double epsilon);
  // Keys and values of the text, which do not depend on the clip: [S, 2 D].
  Var keys(const Var& text_SD) const;
  Var operator()(const Var& x_TD, const Var& text_keys_S2D, const Packing& clips,
                 const Packing& texts) const;
};

}  // namespace muybridge
