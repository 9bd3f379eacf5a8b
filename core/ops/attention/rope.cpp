#include "core/ops/attention/rope.h"

#include <cmath>
#include <stdexcept>

#include "core/launch.h"
#include "core/ops/attention/rope_functor.h"

namespace muybridge {
namespace {

// Interleaved cos, sin of position times theta^(-2i / axis width), for positions [0, count).
std::vector<double> axis_table(std::int64_t count, std::int64_t axis_width, double theta) {
  std::vector<double> table(count * axis_width);
  for (std::int64_t pair = 0; pair < axis_width / 2; ++pair) {
    const double frequency =
        std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(axis_width));
    for (std::int64_t position = 0; position < count; ++position) {
      table[position * axis_width + 2 * pair] = std::cos(static_cast<double>(position) * frequency);
      table[position * axis_width + 2 * pair + 1] =
          std::sin(static_cast<double>(position) * frequency);
    }
  }
  return table;
}

Tensor on_device(const std::vector<double>& numbers, DType dtype, Device device) {
  return Tensor::of<double>({std::ssize(numbers)}, numbers).to(dtype).to(device);
}

}  // namespace

RopeAxes RopeAxes::of_head_width(std::int64_t head_width, double theta) {
  const std::int64_t plane = 2 * (head_width / 6);
  return {.frames = head_width - 2 * plane, .height = plane, .width = plane, .theta = theta};
}

RopeAxes RopeAxes::of_sequence(std::int64_t head_width, double theta) {
  return {.frames = head_width, .theta = theta};
}

Tensor rope_table(const Packing& packing, const RopeAxes& axes, DType dtype) {
  return rope_table(packing, axes, dtype, Slice::range(0, packing.rows), Device::kCpu);
}

// A table of each axis, and of each clip where it begins and its grid, from which every row is made
// where it lies.
Tensor rope_table(const Packing& packing, const RopeAxes& axes, DType dtype, const Slice& rows,
                  Device device) {
  if (axes.frames % 2 || axes.height % 2 || axes.width % 2)
    throw std::invalid_argument(fmt::format("rope: axes of {}, {}, {} columns; each must be even",
                                            axes.frames, axes.height, axes.width));
  const Tensor table = Tensor::empty({rows.length, axes.head_width()}, dtype, device);
  Grid largest;
  std::vector<std::int32_t> clips;
  for (int clip = 0; clip < packing.clips(); ++clip) {
    const Grid& grid = packing.grids[static_cast<std::size_t>(clip)];
    largest = {std::max(largest.frames, grid.frames), std::max(largest.height, grid.height),
               std::max(largest.width, grid.width)};
    clips.insert(clips.end(), {packing.offsets[clip], grid.height, grid.width});
  }
  const Tensor frames =
                   on_device(axis_table(largest.frames, axes.frames, axes.theta), dtype, device),
               height =
                   on_device(axis_table(largest.height, axes.height, axes.theta), dtype, device),
               width = on_device(axis_table(largest.width, axes.width, axes.theta), dtype, device),
               where = Tensor::of<std::int32_t>({packing.clips(), 3}, clips).to(device);
  dispatch_accumulator(dtype, "rope_table", [&]<class A>() {
    for_rows(device, rows.length, axes.head_width(),
             functor::RopeRows<A>{.axes = {frames.data<A>(), height.data<A>(), width.data<A>()},
                                  .widths = {axes.frames, axes.height, axes.width},
                                  .clips = where.data<std::int32_t>(),
                                  .count = packing.clips(),
                                  .used = packing.used(),
                                  .begin = rows.begin,
                                  .out = table.data<A>()});
  });
  return table;
}

Var qk_norm_rope(const Var& x, const std::vector<Var>& weights, std::int64_t heads,
                 const Tensor& rope, double eps, const SharedRows& shared) {
  if (weights.empty() || weights.size() > 2)
    throw std::invalid_argument("qk_norm_rope: one or two weights are needed");
  const std::int64_t width = weights[0].shape().back(), rows = x.shape().rows();
  const std::int64_t head_width = width / heads, full_width = width * shared.parts;
  const int normed = static_cast<int>(weights.size()),
            blocks = static_cast<int>(x.shape().back() / width);
  if (x.shape().back() % width || blocks < normed || width % heads || head_width % 2)
    throw std::invalid_argument(
        fmt::format("qk_norm_rope: x is {}, weights are {}, {} heads; want blocks of even heads",
                    x.shape(), weights[0].shape(), heads));
  if (rope.defined()) require_shape("qk_norm_rope", "rope", rope, {rows, head_width});
  for (const Var& weight : weights)
    require_same_kind("qk_norm_rope", {&x.value(), &weight.value()});

  const Device device = x.value().device();
  const DType wide = accumulator_of(x.value().dtype());
  const Tensor y = Tensor::empty(x.shape(), x.value().dtype(), device);
  const Tensor rstds = Tensor::empty({rows, normed}, wide, device);
  const bool whole = shared.parts == 1;
  dispatch_float(y.dtype(), "qk_norm_rope", [&]<class T>() {
    using A = Accumulator<T>;
    Tensor squares;
    if (!whole) {
      squares = Tensor::empty({rows, normed}, wide, device);
      for_rows(
          device, rows, normed * width,
          functor::QkSquares<T>{x.value().data<T>(), width, normed, blocks, squares.data<A>()});
      shared.sum(squares);
    }
    for_rows(device, rows, blocks * width,
             functor::QkNormRope<T>{
                 x.value().data<T>(),
                 {weights.front().value().data<T>(), weights.back().value().data<T>()},
                 rope.defined() ? rope.data<A>() : nullptr,
                 heads,
                 head_width,
                 normed,
                 blocks,
                 static_cast<A>(eps),
                 static_cast<A>(full_width),
                 whole ? nullptr : squares.data<A>(),
                 y.data<T>(),
                 rstds.data<A>()});
  });
  std::vector<Var> inputs{x};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  return Var::op(y, std::move(inputs), [=](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(dy.shape(), dy.dtype(), device);
    const Tensor sums = Tensor::empty({normed, width}, wide, device);
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
    dispatch_float(dy.dtype(), "qk_norm_rope", [&]<class T>() {
      using A = Accumulator<T>;
      const functor::QkGradInput<T> from{in[0].value().data<T>(),
                                         dy.data<T>(),
                                         {in[1].value().data<T>(), in.back().value().data<T>()},
                                         rope.defined() ? rope.data<A>() : nullptr,
                                         heads,
                                         head_width,
                                         normed,
                                         blocks};
      Tensor dots;
      if (!whole) {
        dots = Tensor::empty({rows, normed}, wide, device);
        for_rows(device, rows, normed * width, functor::QkDots<T>{from, dots.data<A>()});
        shared.sum(dots);
      }
      for_rows_sum(device, offsets, normed * width,
                   functor::QkNormRopeGrad<T>{from, rstds.data<A>(), static_cast<A>(full_width),
                                              whole ? nullptr : dots.data<A>(), dx.data<T>()},
                   sums.data<A>());
    });
    in[0].add_grad(dx);
    for (int block = 0; block < normed; ++block)
      in[block + 1].add_grad(sums.flat_view(block * width, {width}));
  });
}

}  // namespace muybridge
