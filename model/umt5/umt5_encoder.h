#pragma once

#include <string>
#include <vector>

#include "core/parameters.h"
#include "model/text_encoder.h"
#include "model/umt5/umt5_options.h"

// T tokens  D width  A heads  E head width  F width of the MLP  B buckets
namespace muybridge {

// The encoder of UMT5 (Chung et al. 2023, arXiv:2304.09151): T5's, with a bias by distance in every
// layer. Pre-norm blocks of attention without a scale and of a gated MLP, nothing has a bias
// otherwise. For inference: freeze the parameters before they are allocated.
struct Umt5Encoder {
  struct Block {
    Var norm1;
    Var qkv;      // [3 A E, D]
    Var buckets;  // [B, A]
    Var out;      // [D, A E]
    Var norm2;
    Var gate_up;  // [2 F, D]
    Var down;     // [D, F]

    Block(Parameters& parameters, const std::string& name, const Umt5Options& options);
    Var operator()(const Var& x, const Umt5Options& options, const Packing& texts) const;
  };

  Umt5Options options;
  Var embedding;  // [vocabulary, D]
  std::vector<Block> blocks;
  Var norm;

  // Parameters begin with `name` and a dot, or with nothing where it is empty.
  Umt5Encoder(Parameters& parameters, const std::string& name, const Umt5Options& options);
  // Texts laid end to end, each with the token that ends it -> [T, D]. Rows of slack are zero but
  // for their norm. Throws std::logic_error where a gradient would be recorded.
  Var operator()(const PackedText& texts) const;
};

}  // namespace muybridge
