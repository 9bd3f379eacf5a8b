#include "model/token_layout.h"

#include <algorithm>

#include "core/parallel_for.h"

namespace muybridge {

TokenLayout::TokenLayout(const Packing& tokens, const RopeAxes& axes, DType compute, Device device)
    : packing(tokens), rope(rope_table(tokens, axes, accumulator_of(compute)).to(device)) {
  const Tensor clip_of = Tensor::empty({packing.rows}, DType::kI32);
  std::int32_t* const rows = clip_of.data<std::int32_t>();
  for (int clip = 0; clip < packing.clips(); ++clip)
    std::fill(rows + packing.offsets[clip], rows + packing.offsets[clip + 1], clip);
  std::fill(rows + packing.used(), rows + packing.rows, std::max(0, packing.clips() - 1));
  clips = {.clip_of = clip_of.to(device), .offsets = packing.offsets};
}

Tensor sine_positions(const Packing& packing, std::int64_t width, DType dtype) {
  const RopeAxes axes = RopeAxes::of_head_width(width);
  const Tensor table = rope_table(packing, axes);
  const Tensor sines = Tensor::zeros({packing.rows, width});
  parallel_for(packing.used(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* in = table.data<float>() + row * width;
      float* out = sines.data<float>() + row * width;
      for (const std::int64_t axis : {axes.frames, axes.height, axes.width}) {
        for (std::int64_t i = 0; i < axis / 2; ++i) {
          out[i] = in[2 * i + 1];
          out[axis / 2 + i] = in[2 * i];
        }
        in += axis;
        out += axis;
      }
    }
  });
  return sines.to(dtype);
}

}  // namespace muybridge
