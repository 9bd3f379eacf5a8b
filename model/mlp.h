#pragma once

#include "core/ops/activation.h"
#include "model/linear.h"

namespace muybridge {

// Linear, GELU-tanh, linear.
struct Mlp {
  Linear up;
  Linear down;

  // `init` is that of the output's weight; `gain`, its gain alone.
  Mlp(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t hidden,
      std::int64_t out, const LinearInit& init)
      : up(parameters, name + ".up", in, hidden),
        down(parameters, name + ".down", hidden, out, init) {}
  Mlp(Parameters& parameters, const std::string& name, std::int64_t width, std::int64_t hidden,
      float gain)
      : Mlp(parameters, name, width, hidden, width, {.gain = gain}) {}
  Var operator()(const Var& x) const { return down(bias_gelu(up.product(x), up.bias)); }
};

}  // namespace muybridge
