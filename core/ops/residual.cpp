#include "core/ops/residual.h"

#include <type_traits>

#include "core/launch.h"
#include "core/ops/residual_functor.h"

namespace muybridge {

// Both ops hand the gradient of the stream on as it is: f32 where it is a sum, down to the first
// block, so that the branches of all blocks are added up without a rounding between.

Var add(const Var& x, const Var& y) {
  const Tensor &a = x.value(), &b = y.value();
  require_shape("add", "y", b, a.shape());
  require_same_kind("add", {&a, &b});
  const Tensor out = Tensor::empty(a.shape(), a.dtype(), a.device());
  dispatch_float(a.dtype(), "add", [&]<class T>() {
    for_elements(a.device(), a.numel(), functor::Add<T>{a.data<T>(), b.data<T>(), out.data<T>()});
  });
  const auto grad = [](Inputs in, const Tensor& dy) {
    in[0].add_grad(dy);
    in[1].add_grad(dy);
  };
  return Var::op(out, {x.without_value(), y.without_value()}, grad, Dy::kAsSummed);
}

Var gate_residual(const Var& x, const Var& y, const Var& table, int gate, const ClipRows& clips) {
  const Tensor& value = x.value();
  require_shape("gate_residual", "y", y.value(), value.shape());
  require_same_kind("gate_residual", {&value, &y.value()});
  require_table("gate_residual", table.value(), value, {gate});
  const std::int64_t width = value.shape().back(), rows = value.shape().rows();
  const std::int64_t stride = table.shape()[1] * width;
  const Tensor out = Tensor::empty(value.shape(), value.dtype(), value.device());
  dispatch_float(value.dtype(), "gate_residual", [&]<class T>() {
    for_rows(value.device(), rows, width,
             functor::GateResidual<T>{value.data<T>(), y.value().data<T>(),
                                      table.value().data<Accumulator<T>>() + gate * width,
                                      clips.pointer(), stride, width, out.data<T>()});
  });
  const auto grad = [=](Inputs in, const Tensor& dout) {
    const Tensor& branch = in[1].value();
    const Tensor& entries = in[2].value();
    const Tensor dy = Tensor::empty({rows, width}, branch.dtype(), dout.device());
    clips.slack(dy).fill_zero();
    const Tensor sums = Tensor::empty({clips.clips(), width}, entries.dtype(), dout.device());
    dispatch_float(branch.dtype(), "gate_residual", [&]<class T>() {
      using A = Accumulator<T>;
      const auto run = [&]<class G>() {
        for_rows_sum(dout.device(), clips.offsets, width,
                     functor::GateResidualGrad<T, G>{branch.data<T>(), dout.data<G>(),
                                                     entries.data<A>() + gate * width,
                                                     clips.pointer(), stride, width, dy.data<T>()},
                     sums.data<A>());
      };
      if (std::is_same_v<T, A> || dout.dtype() != branch.dtype())
        return run.template operator()<A>();
      run.template operator()<T>();
    });
    in[0].add_grad(dout);
    in[1].add_grad(dy.reshape(branch.shape()));
    add_to_table(in[2], sums, {gate});
  };
  return Var::op(out, {x.without_value(), y, table}, grad, Dy::kAsSummed);
}

}  // namespace muybridge
