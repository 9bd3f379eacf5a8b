#include "model/token_layout.h"

#include <algorithm>
#include <stdexcept>

#include "core/parallel_for.h"

namespace muybridge {

namespace {

Slice share_of(const Slice& rows, int part, int parts) {
  if (rows.length % parts != 0)
    throw std::invalid_argument(
        fmt::format("token layout: {} rows cannot be divided by {} ranks", rows.length, parts));
  const std::int64_t length = rows.length / parts;
  return Slice::range(rows.begin + part * length, length);
}

// The clips' offsets, seen from these rows.
std::vector<std::int32_t> offsets_in(const Packing& packing, const Slice& rows) {
  std::vector<std::int32_t> offsets;
  for (const std::int32_t offset : packing.offsets)
    offsets.push_back(
        static_cast<std::int32_t>(std::clamp<std::int64_t>(offset - rows.begin, 0, rows.length)));
  return offsets;
}

Packing part_of(const Packing& packing, const Slice& rows) {
  if (rows.length == packing.rows) return packing;
  Packing part{.offsets = offsets_in(packing, rows), .grids = {}, .rows = rows.length};
  for (int clip = 0; clip < packing.clips(); ++clip)
    part.grids.push_back({.frames = static_cast<std::int32_t>(part.length(clip))});
  return part;
}

}  // namespace

Slice RowShare::of_segment(std::int64_t rows) const {
  return share_of(Slice::range(0, rows), segment, segments);
}

Slice RowShare::own(std::int64_t rows) const { return share_of(of_segment(rows), part, parts); }

TokenLayout::TokenLayout(const Packing& tokens, const RopeAxes& axes, DType compute, Device device,
                         const RowShare& share)
    : packing(tokens),
      queries(part_of(tokens, share.of_segment(tokens.rows))),
      own(share.own(tokens.rows)) {
  const Slice segment = share.of_segment(tokens.rows);
  rope = rope_table(tokens, axes, accumulator_of(compute), segment, device);
  const Tensor clip_of = Tensor::empty({own.length}, DType::kI32);
  std::int32_t* const rows = clip_of.data<std::int32_t>();
  clips.offsets = offsets_in(packing, own);
  for (int clip = 0; clip < packing.clips(); ++clip) {
    std::fill(rows + clips.offsets[clip], rows + clips.offsets[clip + 1], clip);
    clips.starts.push_back(static_cast<std::int32_t>(packing.offsets[clip] - own.begin));
  }
  std::fill(rows + clips.offsets.back(), rows + own.length, std::max(0, packing.clips() - 1));
  clips.clip_of = clip_of.to(device);
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
