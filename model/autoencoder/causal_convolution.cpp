#include "model/autoencoder/causal_convolution.h"

#include <algorithm>
#include <cmath>

#include "core/ops/frames.h"

namespace muybridge {

Var last_frames(const Var& x, std::int64_t count) {
  const Var last = some_frames(x, x.shape()[0] - count, count);
  return is_recording() ? last : Var::constant(last.value().clone());
}

CausalConvolution::CausalConvolution(Parameters& parameters, const std::string& name,
                                     std::int64_t in, std::int64_t out,
                                     const CausalConvolutionOptions& options) {
  const auto [frames, height, width] = options.kernel;
  const auto fan_in = static_cast<float>(in * frames * height * width);
  weight = parameters.add({.name = name + ".weight",
                           .shape = {out, frames, height, width, in},
                           .init = Normal{options.gain / std::sqrt(fan_in)},
                           .decay = true});
  bias = parameters.add({.name = name + ".bias", .shape = {out}});
}

Var CausalConvolution::operator()(const Var& x, FrameMemory& memory) const {
  const std::int64_t earlier = weight.shape()[1] - 1, rows = weight.shape()[2] / 2,
                     columns = weight.shape()[3] / 2;
  ConvolutionOptions options{.before = {0, rows, columns}, .after = {0, rows, columns}};
  if (earlier == 0) return convolution(x, weight, bias, options);
  Var& last = memory.of(weight);
  const Var seen = join_frames({last, x});
  const std::int64_t frames = seen.shape()[0], known = frames - x.shape()[0];
  options.before[0] = earlier - known;
  last = last_frames(seen, std::min(earlier, frames));
  return convolution(seen, weight, bias, options);
}

}  // namespace muybridge
