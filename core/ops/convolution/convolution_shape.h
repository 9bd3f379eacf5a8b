#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/shape.h"

// T frames  H rows  W columns  C channels  K channels of the result
namespace muybridge {

// Frames, rows, columns.
using Extents3 = std::array<std::int64_t, 3>;

struct ConvolutionOptions {
  Extents3 stride{1, 1, 1};
  // Zeros around x: ahead of its first frame, row and column, and behind its last.
  Extents3 before{0, 0, 0};
  Extents3 after{0, 0, 0};
};

// A convolution over one clip: x [T,H,W,C], weight [K,kT,kH,kW,C], y [T',H',W',K]. No padding in
// the struct: it is hashed as bytes.
struct ConvolutionShape {
  Extents3 size;  // of x
  std::int64_t channels;
  Extents3 kernel;
  std::int64_t results;  // K
  Extents3 stride, before, after;

  bool operator==(const ConvolutionShape&) const = default;

  Extents3 result_size() const {
    Extents3 size_of_y;
    for (std::size_t i = 0; i < size_of_y.size(); ++i)
      size_of_y[i] = (size[i] + before[i] + after[i] - kernel[i]) / stride[i] + 1;
    return size_of_y;
  }
  Shape x() const { return {size[0], size[1], size[2], channels}; }
  Shape weight() const { return {results, kernel[0], kernel[1], kernel[2], channels}; }
  Shape y() const {
    const Extents3 of_y = result_size();
    return {of_y[0], of_y[1], of_y[2], results};
  }
  // Multiplications and additions of one of its three products.
  double operations() const {
    const std::int64_t places = y().rows();
    return 2.0 * static_cast<double>(weight().numel()) * static_cast<double>(places);
  }
};

// Throws std::invalid_argument with both shapes where the kernel is larger than x and its zeros,
// channels differ, or a stride is not positive.
ConvolutionShape convolution_shape(const Shape& x, const Shape& weight,
                                   const ConvolutionOptions& options);
std::string to_string(const ConvolutionShape& shape);

}  // namespace muybridge
