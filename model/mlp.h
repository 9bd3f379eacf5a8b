#pragma once

#include "core/ops/activation.h"
#include "model/linear.h"

namespace muybridge {

// Linear, GELU-tanh, linear.
struct Mlp {
  Linear up;
  Linear down;
  Exchange enter = {}, leave = {};

  // `options` are those of the output.
  Mlp(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t hidden,
      std::int64_t out, const LinearOptions& options)
      : up(parameters, name + ".up", in, hidden),
        down(parameters, name + ".down", hidden, out, options) {}
  // `gain` is that of the output's weight, see Glorot.
  Mlp(Parameters& parameters, const std::string& name, std::int64_t width, std::int64_t hidden,
      float gain)
      : Mlp(parameters, name, width, hidden, width, {.weight = Glorot{gain}}) {}
  Var operator()(const Var& x) const {
    return down.through(leave, bias_gelu(up.product(enter(x)), up.bias));
  }
  // The sums as they are, not rounded to the type of x.
  Var unrounded(const Var& x) const { return down.unrounded(bias_gelu(up.product(x), up.bias)); }
};

}  // namespace muybridge
