#pragma once

#include <string>

#include "core/ops/product/linear.h"
#include "core/parameters.h"
#include "model/exchange.h"

namespace muybridge {

struct LinearOptions {
  Initializer weight = Glorot{};
  bool hidden = true;  // of the weight, see ParameterSpec
  bool wide = false;   // of both parameters, see ParameterSpec
};

// y = x W^T + b. Weight [out, in]; the bias starts at zero.
struct Linear {
  Var weight;
  Var bias;

  Linear(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
         const LinearOptions& options = {});
  Var operator()(const Var& x) const { return linear(x, weight, bias); }
  // The sums as they are, not rounded to the type of x.
  Var unrounded(const Var& x) const { return linear(x, weight, bias, Rounding::kNone); }
  // Without the bias, for an op that adds it.
  Var product(const Var& x) const { return linear(x, weight); }
  // With an exchange that completes the product before the bias is added.
  Var through(const Exchange& leave, const Var& x) const {
    return leave ? add_bias(leave(product(x)), bias) : (*this)(x);
  }
};

}  // namespace muybridge
