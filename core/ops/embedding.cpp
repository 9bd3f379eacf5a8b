#include "core/ops/embedding.h"

#include <stdexcept>

#include "core/launch.h"
#include "core/ops/embedding_functor.h"

namespace muybridge {

Var embedding(const Tensor& host_ids, const Var& table) {
  const Tensor& entries = table.value();
  const std::int64_t vocabulary = entries.shape()[0], width = entries.shape()[1],
                     tokens = host_ids.numel();
  if (host_ids.device() != Device::kCpu)
    throw std::invalid_argument("embedding: ids lie on a device, where they cannot be checked");
  for (const std::int32_t id : host_ids.span<std::int32_t>())
    if (id < kSlackId || id >= vocabulary)
      throw std::invalid_argument(
          fmt::format("embedding: id {} lies outside a table of {} entries", id, vocabulary));
  const Tensor ids = host_ids.to(entries.device());
  const Tensor y = Tensor::empty({tokens, width}, entries.dtype(), entries.device());
  dispatch_float(entries.dtype(), "embedding", [&]<class T>() {
    for_rows(
        entries.device(), tokens, width,
        functor::Embedding<T>{ids.data<std::int32_t>(), entries.data<T>(), width, y.data<T>()});
  });
  return Var::op(y, {table}, [=](Inputs in, const Tensor& dy) {
    const Tensor grad = Tensor::zeros({vocabulary, width}, accumulator_of(dy.dtype()), dy.device());
    dispatch_float(dy.dtype(), "embedding", [&]<class T>() {
      for_rows(dy.device(), vocabulary, tokens,
               functor::EmbeddingGrad<T>{ids.data<std::int32_t>(), tokens, dy.data<T>(), width,
                                         grad.data<Accumulator<T>>()});
    });
    in[0].add_grad(grad);
  });
}

Tensor sinusoidal_features(const Tensor& times, std::int64_t features, DType dtype,
                           double max_period) {
  const Tensor y = Tensor::empty({times.numel(), features}, dtype, times.device());
  dispatch_float(dtype, "sinusoidal_features", [&]<class T>() {
    for_rows(
        times.device(), times.numel(), features * 16,
        functor::Sinusoid<T>{times.data<Accumulator<T>>(), features / 2, max_period, y.data<T>()});
  });
  return y;
}

}  // namespace muybridge
