#include "core/ops/attention/relative_attention.h"

#include <cmath>
#include <stdexcept>

#include "core/cuda/attention.h"
#include "core/launch.h"
#include "core/ops/attention/relative_attention_functor.h"

namespace muybridge {
namespace {

// A column for every distance in [-max_distance, max_distance].
Tensor distance_bias(const Tensor& table, const RelativeBuckets& buckets) {
  const std::int64_t heads = table.shape()[1], distances = 2 * buckets.max_distance + 1;
  std::vector<std::int32_t> bucket_of;
  for (std::int64_t i = 0; i < distances; ++i)
    bucket_of.push_back(static_cast<std::int32_t>(buckets.of(i - buckets.max_distance)));
  const Device device = table.device();
  const Tensor places = Tensor::of<std::int32_t>({distances}, bucket_of).to(device);
  const Tensor bias = Tensor::empty({heads, distances}, accumulator_of(table.dtype()), device);
  dispatch_float(table.dtype(), "relative_attention", [&]<class T>() {
    for_elements(device, bias.numel(),
                 functor::DistanceBias<T>{table.data<T>(), places.data<std::int32_t>(), heads,
                                          distances, bias.data<Accumulator<T>>()});
  });
  return bias;
}

void check(const Tensor& qkv, const Tensor& table, const RelativeBuckets& buckets,
           std::int64_t heads, const Packing& packing) {
  require_valid(buckets);
  require_same_kind("relative_attention", {&qkv, &table});
  if (heads <= 0 || qkv.shape().rank() != 2 || qkv.shape()[1] % (3 * heads) != 0)
    throw std::invalid_argument(fmt::format(
        "relative_attention: qkv is {}; [T, 3 D], D of {} heads, expected", qkv.shape(), heads));
  require_shape("relative_attention", "table", table, {buckets.count, heads});
  if (packing.used() > qkv.shape()[0])
    throw std::invalid_argument(fmt::format(
        "relative_attention: the texts have {} tokens, qkv is {}", packing.used(), qkv.shape()));
}

}  // namespace

// In f32, so that distances at the edge of two buckets fall as in the reference.
std::int64_t RelativeBuckets::of(std::int64_t distance) const {
  const std::int64_t half = count / 2, exact = half / 2, first = distance > 0 ? half : 0,
                     away = std::abs(distance);
  if (away < exact) return first + away;
  const float ratio =
      std::log(static_cast<float>(away) / static_cast<float>(exact)) /
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const auto beyond = static_cast<std::int64_t>(ratio * static_cast<float>(half - exact));
  return first + std::min(exact + beyond, half - 1);
}

void require_valid(const RelativeBuckets& buckets) {
  if (buckets.count < 4 || buckets.count % 2 != 0 || buckets.max_distance <= buckets.count / 4)
    throw std::invalid_argument(fmt::format(
        "relative buckets: {} of them up to a distance of {}; want an even count, 4 at least, and "
        "a distance above a quarter of it",
        buckets.count, buckets.max_distance));
}

Var relative_attention(const Var& qkv, const Var& table, const RelativeBuckets& buckets,
                       std::int64_t heads, const Packing& packing) {
  if (is_recording() && (qkv.requires_grad() || table.requires_grad()))
    throw std::logic_error(
        "relative_attention: it has no gradient; freeze the encoder or call it in a NoGradScope");
  const Tensor& x = qkv.value();
  check(x, table.value(), buckets, heads, packing);
  const std::int64_t width = x.shape()[1] / 3;
  const Tensor out = Tensor::empty({x.shape()[0], width}, x.dtype(), x.device());
  const AttentionShape shape{heads, width / heads, packing.offsets, packing.offsets};
  const Tensor bias = distance_bias(table.value(), buckets);
  const HeadColumns q{x, 0}, k{x, width}, v{x, 2 * width};
  if (x.device() == Device::kCuda)
    cuda::relative_attention(shape, q, k, v, bias, out);
  else
    cpu::relative_attention(shape, q, k, v, bias, out);
  return Var::constant(out);
}

}  // namespace muybridge
