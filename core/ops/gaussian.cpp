#include "core/ops/gaussian.h"

#include <stdexcept>
#include <vector>

#include "core/launch.h"
#include "core/ops/gaussian_functor.h"
#include "core/ops/regroup.h"

namespace muybridge {
namespace {

// Of latents made of such moments.
Shape latent_shape(const char* op, const Shape& moments) {
  std::vector<std::int64_t> sizes(moments.extents().begin(), moments.extents().end());
  if (sizes.empty() || sizes.back() % 2 != 0)
    throw std::invalid_argument(fmt::format(
        "{}: moments are {}; want as many means as variances in the last dimension", op, moments));
  sizes.back() /= 2;
  return Shape(std::span<const std::int64_t>(sizes));
}

}  // namespace

GaussianLatents draw_latents(const Var& moments, const RandomStream& noise, double weight) {
  const Tensor& value = moments.value();
  const Shape shape = latent_shape("draw_latents", value.shape());
  const std::int64_t channels = shape.back(), rows = shape.rows();
  const Tensor latents = Tensor::empty(shape, value.dtype(), value.device());
  const Tensor divergence = Tensor::empty({1}, DType::kF64, value.device());
  const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
  dispatch_float(value.dtype(), "draw_latents", [&]<class T>() {
    for_rows_sum(
        value.device(), offsets, 1,
        functor::DrawLatents<T>{value.data<T>(), noise, channels,
                                static_cast<Accumulator<T>>(kMostLogVariance), latents.data<T>()},
        divergence.data<double>());
  });
  return {Var::op(latents, {moments},
                  [=](Inputs in, const Tensor& dy) {
                    const Tensor& m = in[0].value();
                    const Tensor grad = Tensor::empty(m.shape(), m.dtype(), m.device());
                    dispatch_float(m.dtype(), "draw_latents", [&]<class T>() {
                      using A = Accumulator<T>;
                      for_elements(
                          m.device(), rows * channels,
                          functor::DrawLatentsGrad<T>{m.data<T>(), dy.data<T>(), noise, channels,
                                                      static_cast<A>(kMostLogVariance),
                                                      static_cast<A>(weight), grad.data<T>()});
                    });
                    in[0].add_grad(grad);
                  }),
          divergence.to(Device::kCpu).item()};
}

Tensor mean_latents(const Tensor& moments) {
  const Shape shape = latent_shape("mean_latents", moments.shape());
  const Tensor matrix = moments.reshape({shape.rows(), moments.shape().back()});
  return parts_apart(matrix, /*blocks=*/1, /*parts=*/2).rows(0, 1).reshape(shape);
}

}  // namespace muybridge
