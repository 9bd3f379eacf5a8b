#pragma once

#include <string>

#include "core/ops/product/linear.h"
#include "core/ops/product/linear_fp8.h"
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
  bool in_fp8 = false;
  KeptInput kept = KeptInput::kCodes;  // of x, in fp8

  Linear(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
         const LinearOptions& options = {});
  Var operator()(const Var& x) const { return multiply(x, bias); }
  // The sums as they are, not rounded to the type of x. Never in fp8.
  Var unrounded(const Var& x) const { return linear(x, weight, bias, Rounding::kNone); }
  // Without the bias, for an op that adds it.
  Var product(const Var& x) const { return multiply(x, {}); }
  // With an exchange that completes the product before the bias is added.
  Var through(const Exchange& leave, const Var& x) const {
    return leave ? add_bias(leave(product(x)), bias) : (*this)(x);
  }

 private:
  Var multiply(const Var& x, const Var& add) const {
    return in_fp8 ? linear_fp8(x, weight, add, kept) : linear(x, weight, add);
  }
};

}  // namespace muybridge
