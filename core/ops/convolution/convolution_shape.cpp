#include "core/ops/convolution/convolution_shape.h"

#include <fmt/format.h>

#include <stdexcept>

namespace muybridge {

ConvolutionShape convolution_shape(const Shape& x, const Shape& weight,
                                   const ConvolutionOptions& options) {
  if (x.rank() != 4 || weight.rank() != 5 || x.back() != weight.back())
    throw std::invalid_argument(fmt::format(
        "convolution: x is {}, weight is {}; want [T,H,W,C] and [K,kT,kH,kW,C]", x, weight));
  const ConvolutionShape shape{.size = {x[0], x[1], x[2]},
                               .channels = x[3],
                               .kernel = {weight[1], weight[2], weight[3]},
                               .results = weight[0],
                               .stride = options.stride,
                               .before = options.before,
                               .after = options.after};
  for (std::size_t i = 0; i < 3; ++i)
    if (shape.stride[i] < 1 || shape.before[i] < 0 || shape.after[i] < 0 || shape.kernel[i] < 1 ||
        shape.size[i] + shape.before[i] + shape.after[i] < shape.kernel[i])
      throw std::invalid_argument(fmt::format("convolution: {} does not fit", to_string(shape)));
  return shape;
}

std::string to_string(const ConvolutionShape& shape) {
  const auto list = [](const Extents3& extents) {
    return fmt::format("{}x{}x{}", extents[0], extents[1], extents[2]);
  };
  return fmt::format(
      "of {} places of {} channels by {} to {}, stride {}, zeros {} before and {} behind",
      list(shape.size), shape.channels, list(shape.kernel), shape.results, list(shape.stride),
      list(shape.before), list(shape.after));
}

}  // namespace muybridge
