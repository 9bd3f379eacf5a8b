#include "model/time_embedding.h"

#include "core/ops/accumulate.h"
#include "core/ops/activation.h"
#include "core/ops/embedding.h"

namespace muybridge {
namespace {

constexpr std::int64_t kFeatures = 256;
constexpr double kScale = 1000.0;  // Wan2.1 counts time from 0 to 1000

}  // namespace

TimeEmbedding::TimeEmbedding(Parameters& parameters, std::int64_t width)
    : in(parameters, "time_embedding.0", kFeatures, width, {.wide = true}),
      out(parameters, "time_embedding.2", width, width, {.wide = true}),
      projection(parameters, "time_projection", width, 6 * width,
                 {.weight = Constant{0}, .wide = true}) {}

TimeEmbedding::Result TimeEmbedding::operator()(const Tensor& times) const {
  const Tensor& weight = in.weight.value();
  const Tensor scaled = times.to(weight.dtype()).clone();
  scale_in_place(scaled, kScale);
  const Tensor features =
      sinusoidal_features(scaled.to(weight.device()), kFeatures, weight.dtype());
  const Var time = out(silu(in(Var::constant(features))));
  return {time, projection(silu(time))};
}

}  // namespace muybridge
