#include "core/ops/norm.h"

#include <type_traits>

#include "core/launch.h"
#include "core/ops/norm_functor.h"

namespace muybridge {
namespace {

// What a LayerNorm scales and shifts its rows by: the parameters of layer_norm, or the entries of
// the row's clip in a modulation table.
struct Affine {
  Tensor shift, scale;  // of the first clip
  const ClipRows& clips;
  std::int64_t stride;  // elements from a clip's entry to the next one's
  double unit;          // is added to scale

  // f.operator()<T, S>() with the types of x and of these.
  template <class F>
  void dispatch(const Tensor& x, const F& f) const {
    dispatch_float(x.dtype(), "layer_norm", [&]<class T>() {
      using A = Accumulator<T>;
      if (std::is_same_v<T, A> || scale.dtype() != x.dtype()) return f.template operator()<T, A>();
      f.template operator()<T, T>();
    });
  }
};

struct Normalised {
  Tensor y;
  Tensor moments;  // [rows, 2]: mean, inverse deviation
};

Normalised normalise(const Tensor& x, const Affine& by, double eps) {
  const std::int64_t width = x.shape().back(), rows = x.shape().rows();
  Normalised out{Tensor::empty(x.shape(), x.dtype(), x.device()),
                 Tensor::empty({rows, 2}, accumulator_of(x.dtype()), x.device())};
  by.dispatch(x, [&]<class T, class S>() {
    using A = Accumulator<T>;
    for_rows(x.device(), rows, width,
             functor::LayerNorm<T, S>{x.data<T>(), by.shift.data<S>(), by.scale.data<S>(),
                                      by.clips.pointer(), by.stride, width, static_cast<A>(by.unit),
                                      static_cast<A>(eps), out.y.data<T>(),
                                      static_cast<functor::Moments<A>*>(out.moments.raw())});
  });
  return out;
}

struct NormaliseGrad {
  Tensor dx;
  Tensor sums;  // [clips, 2, D]: the gradients of shift and scale
};

NormaliseGrad normalise_grad(const Tensor& x, const Tensor& dy, const Tensor& moments,
                             const Affine& by) {
  const std::int64_t width = x.shape().back(), rows = x.shape().rows();
  NormaliseGrad out{Tensor::empty(x.shape(), x.dtype(), x.device()),
                    Tensor::empty({by.clips.clips(), 2, width}, moments.dtype(), x.device())};
  by.clips.slack(out.dx.reshape({rows, width})).fill_zero();
  by.dispatch(x, [&]<class T, class S>() {
    using A = Accumulator<T>;
    for_rows_sum(x.device(), by.clips.offsets, 2 * width,
                 functor::LayerNormGrad<T, S>{
                     x.data<T>(), dy.data<T>(), by.scale.data<S>(), by.clips.pointer(), by.stride,
                     width, static_cast<A>(by.unit),
                     static_cast<const functor::Moments<A>*>(moments.raw()), out.dx.data<T>()},
                 out.sums.data<A>());
  });
  return out;
}

}  // namespace

Var norm_modulate(const Var& x, const Var& table, int shift, int scale, const ClipRows& clips,
                  double eps) {
  require_table("norm_modulate", table.value(), x.value(), {shift, scale});
  const auto affine = [shift, scale](const Tensor& entries, const ClipRows& rows) -> Affine {
    const std::int64_t width = entries.shape()[2];
    const auto from = [&](int entry) {
      const std::int64_t begin = entry * width;
      return entries.flat_view(begin, {entries.numel() - begin});
    };
    return {from(shift), from(scale), rows, entries.shape()[1] * width, 1};
  };
  const auto [y, moments] = normalise(x.value(), affine(table.value(), clips), eps);
  return Var::op(y, {x, table}, [=, moments = moments](Inputs in, const Tensor& dy) {
    const auto [dx, sums] =
        normalise_grad(in[0].value(), dy, moments, affine(in[1].value(), clips));
    in[0].add_grad(dx);
    add_to_table(in[1], sums, {shift, scale});
  });
}

Var layer_norm(const Var& x, const Var& weight, const Var& bias, double eps) {
  const std::int64_t width = x.shape().back();
  require_shape("layer_norm", "weight", weight.value(), {width});
  require_shape("layer_norm", "bias", bias.value(), {width});
  require_same_kind("layer_norm", {&x.value(), &weight.value(), &bias.value()});
  const ClipRows one_segment{.clip_of = {},
                             .offsets = {0, static_cast<std::int32_t>(x.shape().rows())}};
  const auto affine = [](const Var& w, const Var& b, const ClipRows& rows) -> Affine {
    return {b.value(), w.value(), rows, 0, 0};
  };
  const auto [y, moments] = normalise(x.value(), affine(weight, bias, one_segment), eps);
  return Var::op(y, {x, weight, bias}, [=, moments = moments](Inputs in, const Tensor& dy) {
    const auto [dx, sums] =
        normalise_grad(in[0].value(), dy, moments, affine(in[1], in[2], one_segment));
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
  dispatch_float(x.value().dtype(), "rms_norm", [&]<class T>() {
    using A = Accumulator<T>;
    for_rows(device, rows, width,
             functor::RmsNorm<T>{x.value().data<T>(), weight.value().data<T>(), width,
                                 static_cast<A>(eps), y.data<T>(), rstds.data<A>()});
  });
  return Var::op(y, {x, weight}, [=](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(shape, dy.dtype(), device);
    const Tensor sums = Tensor::empty({width}, rstds.dtype(), device);
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
    dispatch_float(dy.dtype(), "rms_norm", [&]<class T>() {
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
