#pragma once

#include "core/ops/activation.h"
#include "model/linear.h"

namespace muybridge {

// Linear, GELU-tanh, linear.
struct Mlp {
  Linear up;
  Linear down;

  // `gain` is that of the output's weight, see Glorot.
  Mlp(Parameters& parameters, const std::string& name, std::int64_t width, std::int64_t hidden,
      float gain)
      : up(parameters, name + ".up", width, hidden),
        down(parameters, name + ".down", hidden, width, {.weight = Glorot{gain}}) {}
  Var operator()(const Var& x) const { return down(bias_gelu(up.product(x), up.bias)); }
};

}  // namespace muybridge
