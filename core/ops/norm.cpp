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

// Calls write(dx, add) for the gradient of x, which is walked once: dx is of x's type or its
// accumulator, and is added to where something is there. Wanted by nobody it is written all the
// same, since gradients of others are made in that walk.
template <class Write>
void write_dx(const Var& x, const Write& write) {
  const Tensor& value = x.value();
  const auto room = [&] { return Tensor::empty(value.shape(), value.dtype(), value.device()); };
  if (!x.requires_grad()) return write(room(), false);
  const GradSink sink = x.grad_sink();
  if (const DType type = sink.target.dtype();
      type == value.dtype() || type == accumulator_of(value.dtype()))
    return write(sink.target, sink.accumulate);
  const Tensor dx = room();
  write(dx, false);
  x.add_grad(dx);
}

// The gradients of shift and scale, [clips, 2, D]; that of x goes where it belongs.
Tensor normalise_grad(const Var& x, const Tensor& dy, const Tensor& moments, const Affine& by) {
  const Tensor& value = x.value();
  const std::int64_t width = value.shape().back(), rows = value.shape().rows();
  const Tensor sums = Tensor::empty({by.clips.clips(), 2, width}, moments.dtype(), value.device());
  write_dx(x, [&](const Tensor& dx, bool add) {
    if (!add) by.clips.slack(dx.reshape({rows, width})).fill_zero();
    by.dispatch(value, [&]<class T, class S>() {
      using A = Accumulator<T>;
      const auto run = [&]<class D>() {
        for_rows_sum(value.device(), by.clips.offsets, 2 * width,
                     functor::LayerNormGrad<T, S, D>{
                         value.data<T>(), dy.data<T>(), by.scale.data<S>(), by.clips.pointer(),
                         by.stride, width, static_cast<A>(by.unit),
                         static_cast<const functor::Moments<A>*>(moments.raw()), dx.data<D>(), add},
                     sums.data<A>());
      };
      if (std::is_same_v<T, A> || dx.dtype() != value.dtype()) return run.template operator()<A>();
      run.template operator()<T>();
    });
  });
  return sums;
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
    const Tensor sums = normalise_grad(in[0], dy, moments, affine(in[1].value(), clips));
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
    const Tensor sums = normalise_grad(in[0], dy, moments, affine(in[1], in[2], one_segment));
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
    const Tensor sums = Tensor::empty({width}, rstds.dtype(), device);
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
    write_dx(in[0], [&](const Tensor& dx, bool add) {
      dispatch_float(dy.dtype(), "rms_norm", [&]<class T>() {
        using A = Accumulator<T>;
        const auto run = [&]<class D>() {
          for_rows_sum(device, offsets, width,
                       functor::RmsNormGrad<T, D>{in[0].value().data<T>(), dy.data<T>(),
                                                  in[1].value().data<T>(), width, rstds.data<A>(),
                                                  dx.data<D>(), add},
                       sums.data<A>());
        };
        if (std::is_same_v<T, A> || dx.dtype() != dy.dtype()) return run.template operator()<A>();
        run.template operator()<T>();
      });
    });
    in[1].add_grad(sums);
  });
}

}  // namespace muybridge
