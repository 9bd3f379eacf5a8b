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

}  // namespace muybridge
