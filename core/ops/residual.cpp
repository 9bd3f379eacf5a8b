#include "core/ops/residual.h"

#include <stdexcept>

#include "core/launch.h"
#include "core/ops/activation_functor.h"
#include "core/ops/residual_functor.h"

namespace muybridge {
Var add(const Var& x, const Var& y) {
  const Tensor &a = x.value(), &b = y.value();
  require_shape("add", "y", b, a.shape());
  require_same_kind("add", {&a, &b});
  const Tensor out = Tensor::empty(a.shape(), a.dtype(), a.device());
  dispatch_float(a.dtype(), "add", [&](auto zero) {
    using T = decltype(zero);
    for_elements(a.device(), a.numel(), functor::Add<T>{a.data<T>(), b.data<T>(), out.data<T>()});
  });
  return Var::op(out, {x, y}, [](Inputs in, const Tensor& dy) {
    in[0].add_grad(dy);
    in[1].add_grad(dy);
  });
}

Var gate_residual(const Var& x, const Var& y, const Var& table, int gate_index,
                  const ClipRows& clips) {
  const Tensor& value = x.value();
  require_shape("gate_residual", "y", y.value(), value.shape());
  require_same_kind("gate_residual", {&value, &y.value()});
  const std::int64_t width = value.shape().back(), rows = value.shape().rows();
  const DType wide = accumulator_of(value.dtype());
  if (table.shape().rank() != 3 || table.shape().back() != width || table.value().dtype() != wide)
    throw std::invalid_argument(fmt::format(
        "gate_residual: x is {}, the table is {} {}; want {} [clips, n, {}]", value.shape(),
        name_of(table.value().dtype()), table.shape(), name_of(wide), width));
  const std::int64_t entries = table.shape()[1], stride = entries * width;
  const Tensor out = Tensor::empty(value.shape(), value.dtype(), value.device());
  dispatch_float(value.dtype(), "gate_residual", [&](auto zero) {
    using T = decltype(zero);
    for_rows(value.device(), rows, width,
             functor::GateResidual<T>{value.data<T>(), y.value().data<T>(),
                                      table.value().data<Accumulator<T>>() + gate_index * width,
                                      clips.pointer(), stride, width, out.data<T>()});
  });
  return Var::op(out, {x, y, table}, [=](Inputs in, const Tensor& dout) {
    const Device device = dout.device();
    const std::int64_t clip_count = static_cast<std::int64_t>(clips.offsets.size()) - 1;
    const Tensor dy = Tensor::empty(dout.shape(), dout.dtype(), device);
    dy.reshape({rows, width}).rows(clips.offsets.back(), rows - clips.offsets.back()).fill_zero();
    const Tensor sums = Tensor::empty({clip_count, width}, wide, device);
    dispatch_float(dout.dtype(), "gate_residual", [&](auto zero) {
      using T = decltype(zero);
      using A = Accumulator<T>;
      for_rows_sum(device, clips.offsets, width,
                   functor::GateResidualGrad<T>{in[1].value().data<T>(), dout.data<T>(),
                                                in[2].value().data<A>() + gate_index * width,
                                                clips.pointer(), stride, width, dy.data<T>()},
                   sums.data<A>());
    });
    in[0].add_grad(dout);
    in[1].add_grad(dy);
    const Tensor table_grad = Tensor::zeros(in[2].shape(), wide, device);
    for (std::int64_t clip = 0; clip < clip_count; ++clip)
      table_grad.flat_view((clip * entries + gate_index) * width, {width})
          .copy_from(sums.flat_view(clip * width, {width}));
    in[2].add_grad(table_grad);
  });
}

Var modulation_table(const Var& x, const Var& shared) {
  const Tensor& value = x.value();
  if (shared.shape().rank() != 2 ||
      (value.shape().back() != shared.value().numel() && value.shape().back() != shared.shape()[1]))
    throw std::invalid_argument(
        fmt::format("modulation_table: x is {}, what clips share is {}; want [clips, n * D] or "
                    "[clips, D], and [n, D]",
                    value.shape(), shared.shape()));
  require_same_kind("modulation_table", {&value, &shared.value()});
  const std::int64_t clips = value.shape().rows(), entries = shared.shape()[0];
  const std::int64_t width = shared.shape()[1];
  const bool one_entry = value.shape().back() != shared.value().numel();
  const DType wide = accumulator_of(value.dtype());
  const Tensor out = Tensor::empty({clips, entries, width}, wide, value.device());
  dispatch_float(value.dtype(), "modulation_table", [&](auto zero) {
    using T = decltype(zero);
    for_rows(value.device(), clips, entries * width,
             functor::AddShared<T>{value.data<T>(), shared.value().data<T>(), entries, width,
                                   one_entry, out.data<Accumulator<T>>()});
  });
  return Var::op(out, {x, shared}, [=](Inputs in, const Tensor& dy) {
    const Tensor& input = in[0].value();
    if (one_entry) {
      const Tensor dx = Tensor::empty(input.shape(), input.dtype(), input.device());
      dispatch_float(input.dtype(), "modulation_table", [&](auto zero) {
        using T = decltype(zero);
        for_rows(dy.device(), clips, entries * width,
                 functor::SumEntries<T>{dy.data<Accumulator<T>>(), entries, width, dx.data<T>()});
      });
      in[0].add_grad(dx);
    } else {
      in[0].add_grad(dy.reshape(input.shape()).to(input.dtype()));
    }
    const Tensor sums = Tensor::empty(in[1].shape(), wide, dy.device());
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(clips)};
    const auto sum_columns = [&](auto zero) {
      using A = decltype(zero);
      for_rows_sum(dy.device(), offsets, entries * width,
                   functor::ColumnSum<A>{dy.data<A>(), entries * width}, sums.data<A>());
    };
    if (wide == DType::kF64)
      sum_columns(double{});
    else
      sum_columns(float{});
    in[1].add_grad(sums);
  });
}

}  // namespace muybridge
