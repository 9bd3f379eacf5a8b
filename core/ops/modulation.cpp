#include "core/ops/modulation.h"

#include <stdexcept>

#include "core/launch.h"
#include "core/ops/accumulate.h"
#include "core/ops/modulation_functor.h"

namespace muybridge {

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
  dispatch_float(value.dtype(), "modulation_table", [&]<class T>() {
    for_rows(value.device(), clips, entries * width,
             functor::AddShared<T>{value.data<T>(), shared.value().data<T>(), entries, width,
                                   one_entry, out.data<Accumulator<T>>()});
  });
  const Shape rows = x.shape(), common = shared.shape();
  return Var::op(
      out, {x.without_value(), shared.without_value()}, [=](Inputs in, const Tensor& dy) {
        const Tensor dx = one_entry ? Tensor::empty(rows, wide, dy.device()) : dy.reshape(rows);
        if (one_entry)
          dispatch_accumulator(wide, "modulation_table", [&]<class A>() {
            for_rows(dy.device(), clips, entries * width,
                     functor::SumEntries<A>{dy.data<A>(), entries, width, dx.data<A>()});
          });
        in[0].add_grad(dx);
        in[1].add_grad(column_sums(dy.reshape({clips, entries * width})).reshape(common));
      });
}

void require_table(const char* what, const Tensor& table, const Tensor& x,
                   std::initializer_list<int> entries) {
  const std::int64_t width = x.shape().back();
  const DType wide = accumulator_of(x.dtype());
  if (table.shape().rank() != 3 || table.shape().back() != width || table.dtype() != wide)
    throw std::invalid_argument(
        fmt::format("{}: x is {}, the table is {} {}; want {} [clips, n, {}]", what, x.shape(),
                    name_of(table.dtype()), table.shape(), name_of(wide), width));
  for (const int entry : entries)
    if (entry < 0 || entry >= table.shape()[1])
      throw std::invalid_argument(
          fmt::format("{}: entry {} of a table {}", what, entry, table.shape()));
}

void add_to_table(const Var& table, const Tensor& sums, std::initializer_list<int> entries) {
  if (!table.requires_grad()) return;
  const GradSink sink = table.grad_sink();
  if (!sink.accumulate) sink.target.fill_zero();
  const Shape& shape = table.shape();
  const auto count = static_cast<std::int64_t>(entries.size());
  dispatch_accumulator(sums.dtype(), "add_to_table", [&]<class A>() {
    functor::AddToEntries<A> add{sums.data<A>(), count,    {},
                                 shape[1],       shape[2], sink.target.data<A>()};
    std::copy(entries.begin(), entries.end(), add.entry);
    for_rows(sums.device(), shape[0], count * shape[2], add);
  });
}

}  // namespace muybridge
