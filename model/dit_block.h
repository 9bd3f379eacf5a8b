#pragma once

#include "model/attention.h"
#include "model/dit_options.h"
#include "model/mlp.h"

namespace muybridge {

// The block of Wan2.1: modulated and gated self-attention, plain cross-attention to the text,
// modulated and gated MLP. The six rows of its modulation are shift, scale, gate of the first and
// of the last part.
struct DitBlock {
  Var modulation;  // [6, D]
  SelfAttention self_attention;
  Var norm3_weight;
  Var norm3_bias;
  CrossAttention cross_attention;
  Mlp mlp;
  double eps;
  Exchange enter, leave;  // of the stream, around all that computes with its parameters

  DitBlock(Parameters& parameters, const std::string& name, const DitOptions& options);
  // `keys` are cross_attention.keys of the text. The caller puts `enter` before all of it, and
  // `leave` behind.
  Var operator()(const Var& input_TD, const Var& keys_S2D, const Var& time_C6D,
                 const TokenLayout& layout, const Packing& texts) const;

 private:
  void multiply_in_fp8();
};

}  // namespace muybridge
