#pragma once

#include "model/dit.h"
#include "tests/core/gradient_check.h"

namespace muybridge {

inline DitOptions tiny_dit_options() {
  return {.channels = 2,
          .patch = {.frames = 1, .height = 2, .width = 2},
          .width = 24,
          .depth = 2,
          .heads = 2,
          .mlp_width = 40,
          .text_width = 12,
          .text_depth = 1,
          .text_heads = 2};
}

struct TinyDit {
  Parameters parameters;
  Dit dit;

  explicit TinyDit(const DitOptions& options = tiny_dit_options(), DType dtype = DType::kF32)
      : dit(parameters, options) {
    parameters.allocate(dtype, 5);
    // What starts at zero would hide every gradient behind it.
    for (const char* name : {"time_projection.weight", "head.modulation"}) {
      const Parameter* parameter = parameters.find(name);
      const Tensor& value = parameter->var.value();
      value.copy_from(testing::random_tensor(parameter->spec.shape, 77, value.dtype()));
    }
  }
};

// What starts at zero would hide every gradient behind it. Each element by its place in the whole,
// so that ranks that share a model stir it alike; f64.
inline void stir(const Parameters& parameters) {
  for (const Parameter& parameter : parameters.list()) {
    const Tensor whole =
        testing::random_tensor(parameter.spec.shape, std::hash<std::string>()(parameter.spec.name));
    const Tensor share = Tensor::empty(parameter.shape, DType::kF64);
    gather(whole, parameter.slice(), share);
    for (std::int64_t i = 0; i < share.numel(); ++i)
      parameter.var.value().data<double>()[i] += 0.1 * share.data<double>()[i];
  }
}

// The gradients of what a rank holds are those that the whole model has there; f64.
inline void expect_gradients_of(const Parameters& whole, const Parameters& held, double bound) {
  for (const Parameter& parameter : held.list()) {
    const Tensor want = Tensor::empty(parameter.shape, DType::kF64);
    gather(whole.find(parameter.spec.name)->var.grad(), parameter.slice(), want);
    const double* const got = parameter.var.grad().data<double>();
    for (std::int64_t i = 0; i < want.numel(); ++i)
      ASSERT_NEAR(got[i], want.data<double>()[i], bound * (1 + std::abs(want.data<double>()[i])))
          << parameter.spec.name << " element " << i;
  }
}

}  // namespace muybridge
