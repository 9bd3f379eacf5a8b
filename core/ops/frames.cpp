#include "core/ops/frames.h"

#include <stdexcept>

#include "core/launch.h"
#include "core/ops/frames_functor.h"
#include "core/ops/regroup.h"

namespace muybridge {
namespace {

Shape with_frames(const Shape& shape, std::int64_t frames) {
  return {frames, shape[1], shape[2], shape[3]};
}

void require_clip(const char* what, const Var& x) {
  if (x.shape().rank() != 4)
    throw std::invalid_argument(fmt::format("{}: x is {}; want [T,H,W,C]", what, x.shape()));
}

}  // namespace

Var reshape(const Var& x, const Shape& shape) {
  const auto grad = [before = x.shape()](Inputs in, const Tensor& dy) {
    in[0].add_grad(dy.reshape(before));
  };
  return Var::op(x.value().reshape(shape), {x.without_value()}, grad, Dy::kAsSummed);
}

Var some_frames(const Var& x, std::int64_t begin, std::int64_t count) {
  require_clip("some_frames", x);
  const Shape shape = x.shape();
  const auto grad = [shape, begin, count](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
    dx.rows(begin, count).copy_from(dy);
    in[0].add_grad(dx);
  };
  return Var::op(x.value().rows(begin, count), {x.without_value()}, grad, Dy::kAsSummed);
}

Var join_frames(const std::vector<Var>& clips) {
  std::vector<Tensor> parts;
  std::vector<Var> inputs;
  std::vector<std::int64_t> counts;
  std::int64_t frames = 0;
  for (const Var& clip : clips) {
    if (!clip.defined()) continue;
    require_clip("join_frames", clip);
    parts.push_back(clip.value());
    inputs.push_back(clip.without_value());
    counts.push_back(clip.shape()[0]);
    frames += counts.back();
    require_same_kind("join_frames", {&parts.front(), &parts.back()});
    if (with_frames(parts.back().shape(), 1) != with_frames(parts.front().shape(), 1))
      throw std::invalid_argument(
          fmt::format("join_frames: {} and {}", parts.front().shape(), parts.back().shape()));
  }
  if (parts.empty()) throw std::invalid_argument("join_frames: no clip");
  const Tensor& first = parts.front();
  const Tensor y = Tensor::empty(with_frames(first.shape(), frames), first.dtype(), first.device());
  std::int64_t begin = 0;
  for (const Tensor& part : parts) {
    y.rows(begin, part.shape()[0]).copy_from(part);
    begin += part.shape()[0];
  }
  const auto grad = [counts](Inputs in, const Tensor& dy) {
    std::int64_t from = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (in[i].requires_grad()) in[i].add_grad(dy.rows(from, counts[i]));
      from += counts[i];
    }
  };
  return Var::op(y, std::move(inputs), grad, Dy::kAsSummed);
}

Var enlarge(const Var& x, std::int64_t by) {
  require_clip("enlarge", x);
  const Shape shape = x.shape();
  const Tensor& value = x.value();
  const Tensor y = Tensor::empty({shape[0], by * shape[1], by * shape[2], shape[3]}, value.dtype(),
                                 value.device());
  dispatch_float(y.dtype(), "enlarge", [&]<class T>() {
    for_rows(y.device(), y.shape().rows(), shape[3],
             functor::Enlarge<T>{value.data<T>(), shape[1], shape[2], shape[3], by, y.data<T>()});
  });
  const auto grad = [shape, by](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(shape, dy.dtype(), dy.device());
    dispatch_float(dy.dtype(), "enlarge", [&]<class T>() {
      for_elements(
          dy.device(), dx.numel(),
          functor::EnlargeGrad<T>{dy.data<T>(), shape[1], shape[2], shape[3], by, dx.data<T>()});
    });
    in[0].add_grad(dx);
  };
  return Var::op(y, {x.without_value()}, grad);
}

Var frames_of_channels(const Var& x) {
  require_clip("frames_of_channels", x);
  const Shape shape = x.shape();
  if (shape[3] % 2 != 0)
    throw std::invalid_argument(fmt::format("frames_of_channels: x is {}", shape));
  const Shape halves{2 * shape[0], shape[1], shape[2], shape[3] / 2};
  // A frame's places, two parts each, become two frames.
  const Tensor y = Tensor::empty(halves, x.value().dtype(), x.value().device());
  for (std::int64_t t = 0; t < shape[0]; ++t)
    y.rows(2 * t, 2).copy_from(
        parts_apart(x.value().rows(t, 1), 1, 2).reshape(with_frames(halves, 2)));
  const auto grad = [shape](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(shape, dy.dtype(), dy.device());
    const std::int64_t places = shape[1] * shape[2];
    for (std::int64_t t = 0; t < shape[0]; ++t)
      dx.rows(t, 1).copy_from(
          parts_together(dy.rows(2 * t, 2).reshape({2, places, shape[3] / 2}), 1)
              .reshape(with_frames(shape, 1)));
    in[0].add_grad(dx);
  };
  return Var::op(y, {x.without_value()}, grad);
}

}  // namespace muybridge
