#include <cmath>
#include <limits>

#include "core/math.h"
#include "core/ops/attention_panels.h"

namespace muybridge::cpu {
namespace {

constexpr std::int64_t kQueryBlock = 64;
constexpr std::int64_t kKeyBlock = 256;

// Keys transposed and values of every (clip, head), side by side in one buffer.
template <class C>
struct KeyPanels {
  std::vector<std::int64_t> offsets;  // of each clip's first head, in elements
  Buffer buffer;

  const C* keys(std::int64_t clip, std::int64_t head, std::int64_t size) const {
    return static_cast<const C*>(buffer.data()) + offsets[clip] + 2 * head * size;
  }
};

template <class T, class C>
KeyPanels<C> pack_keys(const AttentionShape& s, const HeadColumns& k, const HeadColumns& v,
                       std::int64_t panel_width) {
  const std::int64_t clips = static_cast<std::int64_t>(s.key_offsets.size()) - 1;
  KeyPanels<C> panels;
  panels.offsets.push_back(0);
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    const std::int64_t columns = padded(s.key_offsets[clip + 1] - s.key_offsets[clip], kLanes<C>);
    panels.offsets.push_back(panels.offsets.back() + 2 * s.heads * columns * panel_width);
  }
  panels.buffer = Buffer(sizeof(C) * panels.offsets.back(), Device::kCpu);
  parallel_for_each(clips * s.heads, [&](std::int64_t task) {
    const std::int64_t clip = task / s.heads, head = task % s.heads;
    const HeadSpan span{s.key_offsets[clip], s.key_offsets[clip + 1] - s.key_offsets[clip], head};
    const std::int64_t columns = padded(span.count, kLanes<C>);
    C* const keys = const_cast<C*>(panels.keys(clip, head, columns * panel_width));
    pack_columns<T, C>(k, span, s.head_width, keys, columns);
    pack_rows<T, C>(v, span, s.head_width, C{1}, keys + columns * panel_width, columns,
                    panel_width);
  });
  return panels;
}

// Running softmax of one block of queries: turns scores into weights, rescales what was summed.
template <class C>
struct RunningSoftmax {
  C maximum[kQueryBlock];
  C sum[kQueryBlock];

  RunningSoftmax() {
    std::fill(maximum, maximum + kQueryBlock, -std::numeric_limits<C>::infinity());
    std::fill(sum, sum + kQueryBlock, C{0});
  }

  // `columns` is `keys` padded to a vector. What is beyond the keys gets next to no weight, and has
  // values of zero.
  void step(C* scores, std::int64_t stride, std::int64_t rows, std::int64_t keys,
            std::int64_t columns, C* out, std::int64_t panel_width) {
    for (std::int64_t i = 0; i < rows; ++i) {
      C* const row = scores + i * stride;
      fill_tail(row, keys, columns, -std::numeric_limits<C>::infinity());
      LaneFold<C, Greater> largest(maximum[i]);
      largest.add(columns, [row](std::int64_t j) { return row[j]; });
      const C top = largest.result();
      const C total = lane_sum<C>(
          columns, [row, top](std::int64_t j) { return row[j] = math::exp(row[j] - top); });
      const C factor = math::exp(maximum[i] - top);
      sum[i] = sum[i] * factor + total;
      if (factor != C{1}) {
        C* const o = out + i * panel_width;
#pragma omp simd
        for (std::int64_t e = 0; e < panel_width; ++e) o[e] *= factor;
      }
      maximum[i] = top;
    }
  }
};

template <class T, class C>
void forward(const AttentionShape& s, const HeadColumns& q, const HeadColumns& k,
             const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp) {
  const std::int64_t panel_width = padded(s.head_width, kLanes<C>);
  const std::int64_t clips = static_cast<std::int64_t>(s.query_offsets.size()) - 1;
  const std::int64_t tokens = out.shape().rows();
  const KeyPanels<C> panels = pack_keys<T, C>(s, k, v, panel_width);

  struct Block {
    std::int64_t clip;
    std::int64_t begin;
    std::int64_t count;
  };
  std::vector<Block> blocks;
  for (std::int64_t clip = 0; clip < clips; ++clip)
    for (std::int64_t begin = s.query_offsets[clip]; begin < s.query_offsets[clip + 1];
         begin += kQueryBlock)
      blocks.push_back(
          {clip, begin, std::min<std::int64_t>(kQueryBlock, s.query_offsets[clip + 1] - begin)});

  const C scale = C{1} / std::sqrt(static_cast<C>(s.head_width));
  const std::int64_t scratch = kQueryBlock * (2 * panel_width + kKeyBlock);
  parallel_for_each(static_cast<std::int64_t>(blocks.size()) * s.heads, [&](std::int64_t task) {
    const Block& block = blocks[task / s.heads];
    const std::int64_t head = task % s.heads;
    const std::int64_t key_count = s.key_offsets[block.clip + 1] - s.key_offsets[block.clip];
    const std::int64_t key_columns = padded(key_count, kLanes<C>);
    const C* const keys = panels.keys(block.clip, head, key_columns * panel_width);
    const C* const values = keys + key_columns * panel_width;

    const Buffer memory(sizeof(C) * scratch, Device::kCpu);
    C* const queries = static_cast<C*>(memory.data());
    C* const sums = queries + kQueryBlock * panel_width;
    C* const scores = sums + kQueryBlock * panel_width;
    const std::int64_t rows = padded(block.count, kRowPadding);
    const HeadSpan span{block.begin, block.count, head};
    pack_rows<T, C>(q, span, s.head_width, scale, queries, rows, panel_width);
    std::fill(sums, sums + rows * panel_width, C{0});

    RunningSoftmax<C> softmax;
    for (std::int64_t j = 0; j < key_columns; j += kKeyBlock) {
      const std::int64_t columns = std::min(kKeyBlock, key_columns - j);
      block_product<C>({queries, panel_width, 1}, keys + j, key_columns, rows, columns,
                       s.head_width, scores, kKeyBlock, false);
      softmax.step(scores, kKeyBlock, block.count, std::min(columns, key_count - j), columns, sums,
                   panel_width);
      block_product<C>({scores, kKeyBlock, 1}, values + j * panel_width, panel_width, rows,
                       panel_width, columns, sums, panel_width, true);
    }
    C* const lse = log_sum_exp.data<C>() + head * tokens + block.begin;
    for (std::int64_t i = 0; i < block.count; ++i)
      lse[i] = softmax.maximum[i] + std::log(softmax.sum[i]);
    unpack_rows<T, C>(sums, panel_width, {out, 0}, span, s.head_width,
                      [&softmax](std::int64_t i) { return C{1} / softmax.sum[i]; });
  });
  zero_slack<T>({out, 0}, s.query_offsets.back(), s.heads * s.head_width);
}

}  // namespace

void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp) {
  dispatch_float(q.x.dtype(), "attention", [&](auto zero) {
    using T = decltype(zero);
    forward<T, Accumulator<T>>(shape, q, k, v, out, log_sum_exp);
  });
}

}  // namespace muybridge::cpu
