#include "core/ops/norm.h"

#include "core/launch.h"
#include "core/ops/accumulate.h"
#include "core/ops/norm_functor.h"

namespace muybridge {
namespace {

// [clips, n, D] += the sums [clips, 2, D] at rows shift_index and scale_index.
template <class A>
void add_to_table(const Var& table, const Tensor& sums, int shift_index, int scale_index) {
  const Shape& shape = table.shape();
  const Tensor grad = Tensor::zeros(shape, table.value().dtype(), sums.device());
  const std::int64_t n = shape[1], width = shape[2];
  for (std::int64_t clip = 0; clip < shape[0]; ++clip) {
    grad.flat_view((clip * n + shift_index) * width, {width})
        .copy_from(sums.flat_view(2 * clip * width, {width}));
    grad.flat_view((clip * n + scale_index) * width, {width})
        .copy_from(sums.flat_view((2 * clip + 1) * width, {width}));
  }
  table.add_grad(grad);
}

}  // namespace

Var norm_modulate(const Var& x, const Var& table, int shift_index, int scale_index,
                  const ClipRows& clips, double eps) {
  const Shape& shape = x.shape();
  const std::int64_t width = shape.back(), rows = shape.rows();
  const DType wide = accumulator_of(x.value().dtype());
  if (table.shape().rank() != 3 || table.shape().back() != width || table.value().dtype() != wide)
    throw std::invalid_argument(
        fmt::format("norm_modulate: x is {}, the table is {} {}; want {} [clips, n, {}]", shape,
                    name_of(table.value().dtype()), table.shape(), name_of(wide), width));
  const Device device = x.value().device();
  const Tensor y = Tensor::empty(shape, x.value().dtype(), device);
  const Tensor moments = Tensor::empty({rows, 2}, wide, device);
  const std::int64_t stride = table.shape()[1] * width;
  dispatch_float(x.value().dtype(), "norm_modulate", [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    const A* entries = table.value().data<A>();
    for_rows(device, rows, width,
             functor::LayerNorm<T, A>{x.value().data<T>(), entries + shift_index * width,
                                      entries + scale_index * width, clips.pointer(), stride, width,
                                      A{1}, static_cast<A>(eps), y.data<T>(),
                                      static_cast<functor::Moments<A>*>(moments.raw())});
  });
  return Var::op(y, {x, table}, [=](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(shape, dy.dtype(), device);
    dx.reshape({rows, width}).rows(clips.offsets.back(), rows - clips.offsets.back()).fill_zero();
    const Tensor sums = Tensor::empty(
        {static_cast<std::int64_t>(clips.offsets.size()) - 1, 2, width}, wide, device);
    dispatch_float(dy.dtype(), "norm_modulate", [&](auto zero) {
      using T = decltype(zero);
      using A = Accumulator<T>;
      for_rows_sum(
          device, clips.offsets, 2 * width,
          functor::LayerNormGrad<T, A>{
              in[0].value().data<T>(), dy.data<T>(), in[1].value().data<A>() + scale_index * width,
              clips.pointer(), stride, width, A{1},
              static_cast<const functor::Moments<A>*>(moments.raw()), dx.data<T>()},
          sums.data<A>());
      add_to_table<A>(in[1], sums, shift_index, scale_index);
    });
    in[0].add_grad(dx);
  });
}

Var layer_norm(const Var& x, const Var& weight, const Var& bias, double eps) {
  const Shape& shape = x.shape();
  const std::int64_t width = shape.back(), rows = shape.rows();
  require_shape("layer_norm", "weight", weight.value(), {width});
  require_shape("layer_norm", "bias", bias.value(), {width});
  require_same_kind("layer_norm", {&x.value(), &weight.value(), &bias.value()});
  const Device device = x.value().device();
  const DType wide = accumulator_of(x.value().dtype());
  const Tensor y = Tensor::empty(shape, x.value().dtype(), device);
  const Tensor moments = Tensor::empty({rows, 2}, wide, device);
  dispatch_float(x.value().dtype(), "layer_norm", [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    for_rows(device, rows, width,
             functor::LayerNorm<T, T>{x.value().data<T>(), bias.value().data<T>(),
                                      weight.value().data<T>(), nullptr, 0, width, A{0},
                                      static_cast<A>(eps), y.data<T>(),
                                      static_cast<functor::Moments<A>*>(moments.raw())});
  });
  return Var::op(y, {x, weight, bias}, [=](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(shape, dy.dtype(), device);
    const Tensor sums = Tensor::empty({2, width}, wide, device);
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
    dispatch_float(dy.dtype(), "layer_norm", [&](auto zero) {
      using T = decltype(zero);
      using A = Accumulator<T>;
      for_rows_sum(
          device, offsets, 2 * width,
          functor::LayerNormGrad<T, T>{
              in[0].value().data<T>(), dy.data<T>(), in[1].value().data<T>(), nullptr, 0, width,
              A{0}, static_cast<const functor::Moments<A>*>(moments.raw()), dx.data<T>()},
          sums.data<A>());
    });
    in[0].add_grad(dx);
    in[1].add_grad(sums.flat_view(width, {width}));
    in[2].add_grad(sums.flat_view(0, {width}));
  });
}

Var rms_norm(const Var& x, const Var& weight, double eps) {
  const Shape& shape = x.shape();
  const std::int64_t width = shape.back(), rows = shape.rows();
  require_shape("rms_norm", "weight", weight.value(), {width});
  require_same_kind("rms_norm", {&x.value(), &weight.value()});
  const Device device = x.value().device();
  const Tensor y = Tensor::empty(shape, x.value().dtype(), device);
  const Tensor rstds = Tensor::empty({rows}, accumulator_of(x.value().dtype()), device);
  dispatch_float(x.value().dtype(), "rms_norm", [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    for_rows(device, rows, width,
             functor::RmsNorm<T>{x.value().data<T>(), weight.value().data<T>(), width,
                                 static_cast<A>(eps), y.data<T>(), rstds.data<A>()});
  });
  return Var::op(y, {x, weight}, [=](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(shape, dy.dtype(), device);
    const Tensor sums = Tensor::empty({width}, rstds.dtype(), device);
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
    dispatch_float(dy.dtype(), "rms_norm", [&](auto zero) {
      using T = decltype(zero);
      using A = Accumulator<T>;
      for_rows_sum(
          device, offsets, width,
          functor::RmsNormGrad<T>{in[0].value().data<T>(), dy.data<T>(), in[1].value().data<T>(),
                                  width, rstds.data<A>(), dx.data<T>()},
          sums.data<A>());
    });
    in[0].add_grad(dx);
    in[1].add_grad(sums);
  });
}

}  // namespace muybridge
