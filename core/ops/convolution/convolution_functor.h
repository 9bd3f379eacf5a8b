#pragma once

#include <cstdint>

#include "core/functor.h"
#include "core/ops/convolution/convolution_shape.h"

// Convolution by its formula, an element of a result at a time, sums in a fixed order: for f64, and
// where no library has a kernel.
namespace muybridge::functor {

// The geometry of ConvolutionShape in numbers that kernels can read.
struct ConvolutionWalk {
  std::int64_t frames, height, width, channels;       // of x
  std::int64_t k_frames, k_height, k_width, results;  // of the weight
  std::int64_t out_frames, out_height, out_width;     // of y
  std::int64_t by_frames, by_height, by_width;        // strides
  std::int64_t from_frame, from_row, from_column;     // where y's first place begins in x

  explicit ConvolutionWalk(const ConvolutionShape& s)
      : frames(s.size[0]),
        height(s.size[1]),
        width(s.size[2]),
        channels(s.channels),
        k_frames(s.kernel[0]),
        k_height(s.kernel[1]),
        k_width(s.kernel[2]),
        results(s.results),
        out_frames(s.result_size()[0]),
        out_height(s.result_size()[1]),
        out_width(s.result_size()[2]),
        by_frames(s.stride[0]),
        by_height(s.stride[1]),
        by_width(s.stride[2]),
        from_frame(-s.before[0]),
        from_row(-s.before[1]),
        from_column(-s.before[2]) {}

  MUY_HD std::int64_t taps() const { return k_frames * k_height * k_width; }
  // The place of y, by axis, that reads place `at` of x through tap `k`; -1: none.
  MUY_HD static std::int64_t reader(std::int64_t at, std::int64_t k, std::int64_t from,
                                    std::int64_t by, std::int64_t size) {
    const std::int64_t begin = at - k - from;
    return begin < 0 || begin % by != 0 || begin / by >= size ? -1 : begin / by;
  }
};

template <class T>
struct ConvolutionForward {
  ConvolutionWalk walk;
  const T *x, *weight, *bias;  // bias: nullptr for none
  T* y;

  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    const std::int64_t result = i % walk.results, place = i / walk.results;
    const std::int64_t column = place % walk.out_width,
                       row = place / walk.out_width % walk.out_height,
                       frame = place / walk.out_width / walk.out_height;
    A sum = bias ? static_cast<A>(bias[result]) : A{0};
    const T* tap = weight + result * walk.taps() * walk.channels;
    for (std::int64_t kt = 0; kt < walk.k_frames; ++kt)
      for (std::int64_t ky = 0; ky < walk.k_height; ++ky)
        for (std::int64_t kx = 0; kx < walk.k_width; ++kx, tap += walk.channels) {
          const std::int64_t t = frame * walk.by_frames + kt + walk.from_frame,
                             r = row * walk.by_height + ky + walk.from_row,
                             c = column * walk.by_width + kx + walk.from_column;
          if (t < 0 || t >= walk.frames || r < 0 || r >= walk.height || c < 0 || c >= walk.width)
            continue;
          const T* const from = x + ((t * walk.height + r) * walk.width + c) * walk.channels;
          for (std::int64_t j = 0; j < walk.channels; ++j)
            sum += static_cast<A>(from[j]) * static_cast<A>(tap[j]);
        }
    y[i] = static_cast<T>(sum);
  }
};

template <class T>
struct ConvolutionInputGradient {
  ConvolutionWalk walk;
  const T *dy, *weight;
  T* dx;

  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    const std::int64_t channel = i % walk.channels, place = i / walk.channels;
    const std::int64_t column = place % walk.width, row = place / walk.width % walk.height,
                       frame = place / walk.width / walk.height;
    A sum = 0;
    std::int64_t tap = 0;
    for (std::int64_t kt = 0; kt < walk.k_frames; ++kt)
      for (std::int64_t ky = 0; ky < walk.k_height; ++ky)
        for (std::int64_t kx = 0; kx < walk.k_width; ++kx, ++tap) {
          const std::int64_t t = ConvolutionWalk::reader(frame, kt, walk.from_frame, walk.by_frames,
                                                         walk.out_frames),
                             r = ConvolutionWalk::reader(row, ky, walk.from_row, walk.by_height,
                                                         walk.out_height),
                             c = ConvolutionWalk::reader(column, kx, walk.from_column,
                                                         walk.by_width, walk.out_width);
          if (t < 0 || r < 0 || c < 0) continue;
          const T* const from =
              dy + ((t * walk.out_height + r) * walk.out_width + c) * walk.results;
          const T* const by = weight + tap * walk.channels + channel;
          for (std::int64_t k = 0; k < walk.results; ++k)
            sum += static_cast<A>(from[k]) * static_cast<A>(by[k * walk.taps() * walk.channels]);
        }
    dx[i] = static_cast<T>(sum);
  }
};

template <class T>
struct ConvolutionWeightGradient {
  ConvolutionWalk walk;
  const T *x, *dy;
  T* dweight;

  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    const std::int64_t channel = i % walk.channels, tap = i / walk.channels % walk.taps(),
                       result = i / walk.channels / walk.taps();
    const std::int64_t kx = tap % walk.k_width, ky = tap / walk.k_width % walk.k_height,
                       kt = tap / walk.k_width / walk.k_height;
    A sum = 0;
    for (std::int64_t frame = 0; frame < walk.out_frames; ++frame) {
      const std::int64_t t = frame * walk.by_frames + kt + walk.from_frame;
      if (t < 0 || t >= walk.frames) continue;
      for (std::int64_t row = 0; row < walk.out_height; ++row) {
        const std::int64_t r = row * walk.by_height + ky + walk.from_row;
        if (r < 0 || r >= walk.height) continue;
        for (std::int64_t column = 0; column < walk.out_width; ++column) {
          const std::int64_t c = column * walk.by_width + kx + walk.from_column;
          if (c < 0 || c >= walk.width) continue;
          sum += static_cast<A>(
                     x[((t * walk.height + r) * walk.width + c) * walk.channels + channel]) *
                 static_cast<A>(
                     dy[((frame * walk.out_height + row) * walk.out_width + column) * walk.results +
                        result]);
        }
      }
    }
    dweight[i] = static_cast<T>(sum);
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ELEMENTS, ConvolutionForward)
MUY_FLOATS(MUY_ELEMENTS, ConvolutionInputGradient)
MUY_FLOATS(MUY_ELEMENTS, ConvolutionWeightGradient)
}  // namespace muybridge
