#pragma once

#include <string>

#include "core/ops/linear.h"
#include "core/parameters.h"

namespace muybridge {

// How the weight of a linear layer starts.
struct LinearInit {
  Init kind = Init::kUniform;
  float gain = 1.0F;               // of kUniform
  std::string key = {};            // see ParameterSpec
  std::vector<float> values = {};  // the weight itself; the three above do not count then
  bool hidden = true;              // see ParameterSpec
};

// y = x W^T + b. Weight [out, in], by default uniform with variance 2 / (in + out) times gain
// squared (Glorot and Bengio 2010); the bias starts at zero.
struct Linear {
  Var weight;
  Var bias;

  Linear(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
         const LinearInit& init = {});
  Var operator()(const Var& x) const { return linear(x, weight, bias); }
  // Without the bias, for an op that adds it.
  Var product(const Var& x) const { return linear(x, weight); }
};

}  // namespace muybridge
