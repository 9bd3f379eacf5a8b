#pragma once

#include <optional>

#include "model/autoencoder/causal_convolution.h"

namespace muybridge {

// To frames of half the height and width (both even), and where asked for to half as many: the
// first one of a clip stands for itself, each other for two.
struct Shrink {
  CausalConvolution over_places;  // at every second row and column
  std::optional<CausalConvolution> over_frames;

  Shrink(Parameters& parameters, const std::string& name, std::int64_t channels,
         bool halves_frames);
  Var operator()(const Var& x, FrameMemory& memory) const;
};

// Back: each place becomes four, and each frame but the first of a clip two. Channels `in` ->
// `out`.
struct Grow {
  std::optional<CausalConvolution> over_frames;  // in -> 2 in
  CausalConvolution over_places;

  Grow(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
       bool doubles_frames);
  Var operator()(const Var& x, FrameMemory& memory) const;
};

}  // namespace muybridge
