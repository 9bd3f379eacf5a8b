#include "core/ops/update/adamw.h"

#include <cmath>

#include "core/launch.h"
#include "core/ops/update/adamw_functor.h"

namespace muybridge {

void adamw(const AdamWSlices& s, const AdamWStep& step) {
  for (const Tensor* tensor : {&s.m, &s.v, &s.gradient})
    require_shape("adamw", "a state", *tensor, s.master.shape());
  const DType compute = s.compute.defined() ? s.compute.dtype() : s.master.dtype();
  dispatch_accumulator(s.master.dtype(), "adamw", [&]<class A>() {
    dispatch_float(compute, "adamw", [&]<class T>() {
      const double n = static_cast<double>(step.step);
      for_elements(
          s.master.device(), s.master.numel(),
          functor::AdamW<T, A>{{.master = s.master.data<A>(),
                                .average = s.average.defined() ? s.average.data<A>() : nullptr,
                                .compute = s.compute.defined() ? s.compute.data<T>() : nullptr,
                                .learning_rate = static_cast<A>(step.learning_rate),
                                .weight_decay = static_cast<A>(step.weight_decay),
                                .average_weight = static_cast<A>(step.average_weight)},
                               s.m.data<A>(),
                               s.v.data<A>(),
                               s.gradient.data<A>(),
                               static_cast<A>(step.gradient_scale),
                               static_cast<A>(step.beta1),
                               static_cast<A>(step.beta2),
                               static_cast<A>(step.eps),
                               static_cast<A>(1 - step.beta1),
                               static_cast<A>(1 - step.beta2),
                               static_cast<A>(1 - std::pow(step.beta1, n)),
                               static_cast<A>(1 - std::pow(step.beta2, n))});
    });
  });
}

}  // namespace muybridge
