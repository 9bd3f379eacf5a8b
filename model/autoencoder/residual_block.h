#pragma once

#include <optional>

#include "model/autoencoder/causal_convolution.h"
#include "model/linear.h"

namespace muybridge {

// norm, SiLU, convolution, twice, beside a shortcut. Norms are RMS norms over channels.
struct ResidualBlock {
  Var norm1;
  CausalConvolution convolution1;
  Var norm2;
  CausalConvolution convolution2;
  std::optional<Linear> shortcut;  // where the number of channels changes

  ResidualBlock(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out);
  Var operator()(const Var& x, FrameMemory& memory) const;
};

// Self-attention within each frame, one head over all channels, added to x.
struct FrameAttention {
  Var norm;
  Linear qkv;
  Linear out;

  FrameAttention(Parameters& parameters, const std::string& name, std::int64_t channels);
  Var operator()(const Var& x) const;
};

// Of the channels of each place: RMS norm, SiLU.
Var norm_silu(const Var& x, const Var& norm);
Var add_norm(Parameters& parameters, const std::string& name, std::int64_t channels);

}  // namespace muybridge
