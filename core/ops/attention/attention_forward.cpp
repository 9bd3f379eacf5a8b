#include <cmath>
#include <limits>

#include "core/math.h"
#include "core/ops/attention/attention_panels.h"

namespace muybridge::cpu {
namespace {

constexpr std::int64_t kQueryBlock = 64;
constexpr std::int64_t kKeyBlock = 256;

// Keys transposed and scaled, and values, of every (clip, head), side by side in one buffer.
template <class C>
struct KeyPanels {
  std::vector<std::int64_t> offsets;  // of each clip's first head, in elements
  std::vector<HeadRows<C>> values;    // [clips, heads]
  Buffer buffer;

  C* keys(std::int64_t clip, std::int64_t head, std::int64_t size) const {
    return static_cast<C*>(buffer.data()) + offsets[clip] + 2 * head * size;
  }
};

template <class T, class C>
KeyPanels<C> pack_keys(const AttentionShape& s, const HeadColumns& k, const HeadColumns& v, C scale,
                       std::int64_t panel_width) {
  const std::int64_t clips = static_cast<std::int64_t>(s.key_offsets.size()) - 1;
  KeyPanels<C> panels;
  panels.offsets.push_back(0);
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    const std::int64_t columns = padded(s.key_offsets[clip + 1] - s.key_offsets[clip], kLanes<C>);
    panels.offsets.push_back(panels.offsets.back() + 2 * s.heads * columns * panel_width);
  }
  panels.values.resize(static_cast<std::size_t>(clips * s.heads));
  panels.buffer = Buffer(sizeof(C) * panels.offsets.back(), Device::kCpu);
  parallel_for_each(clips * s.heads, [&](std::int64_t task, std::int64_t) {
    const std::int64_t clip = task / s.heads, head = task % s.heads;
    const HeadSpan span{s.key_offsets[clip], s.key_offsets[clip + 1] - s.key_offsets[clip], head};
    const std::int64_t columns = padded(span.count, kLanes<C>);
    C* const keys = panels.keys(clip, head, columns * panel_width);
    pack_columns<T, C>(k, span, s.head_width, scale, keys, columns);
    panels.values[task] =
        rows_of<T, C>(v, span, s.head_width, keys + columns * panel_width, columns, panel_width);
  });
  return panels;
}

// Running softmax of one block of queries.
template <class C>
struct RunningSoftmax {
  C maximum[kQueryBlock];
  C sum[kQueryBlock];
  C factor[kQueryBlock];  // by which the last step shrank all weights before it

  RunningSoftmax() {
    std::fill(maximum, maximum + kQueryBlock, -std::numeric_limits<C>::infinity());
    std::fill(sum, sum + kQueryBlock, C{0});
  }

  // Turns scores into weights. `columns` is `keys` padded to a vector; what is beyond the keys
  // weighs next to nothing in the sum and is not used again.
  void step(C* scores, std::int64_t stride, std::int64_t rows, std::int64_t keys,
            std::int64_t columns) {
    for (std::int64_t i = 0; i < rows; ++i) {
      C* const row = scores + i * stride;
      fill_tail(row, keys, columns, -std::numeric_limits<C>::infinity());
      LaneFold<C, Greater> largest(maximum[i]);
      largest.add(columns, [row](std::int64_t j) { return row[j]; });
      const C top = largest.result();
      const C total = lane_sum<C>(
          columns, [row, top](std::int64_t j) { return row[j] = math::exp(row[j] - top); });
      factor[i] = math::exp(maximum[i] - top);
      sum[i] = sum[i] * factor[i] + total;
      maximum[i] = top;
    }
  }

  void rescale(C* out, std::int64_t rows, std::int64_t panel_width) const {
    for (std::int64_t i = 0; i < rows; ++i) {
      C* const row = out + i * panel_width;
#pragma omp simd
      for (std::int64_t e = 0; e < panel_width; ++e) row[e] *= factor[i];
    }
  }
};

// O is the type of the result.
template <class T, class C, class O>
void forward(const AttentionShape& s, const HeadColumns& q, const HeadColumns& k,
             const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp) {
  const std::int64_t panel_width = padded(s.head_width, kLanes<C>);
  const std::int64_t clips = static_cast<std::int64_t>(s.query_offsets.size()) - 1;
  const std::int64_t tokens = out.shape().rows();
  const C scale = C{1} / std::sqrt(static_cast<C>(s.head_width));
  const KeyPanels<C> panels = pack_keys<T, C>(s, k, v, scale, panel_width);

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

  const std::int64_t tasks = std::ssize(blocks) * s.heads;
  const std::int64_t scratch = kQueryBlock * (2 * panel_width + kKeyBlock);
  const Buffer memory(sizeof(C) * scratch * parallel_slots(tasks), Device::kCpu);
  parallel_for_each(tasks, [&](std::int64_t task, std::int64_t slot) {
    const Block& block = blocks[task / s.heads];
    const std::int64_t head = task % s.heads;
    const std::int64_t key_count = s.key_offsets[block.clip + 1] - s.key_offsets[block.clip];
    const std::int64_t key_columns = padded(key_count, kLanes<C>);
    const C* const keys = panels.keys(block.clip, head, key_columns * panel_width);
    const HeadRows<C> values = panels.values[block.clip * s.heads + head];

    C* const panel = static_cast<C*>(memory.data()) + slot * scratch;
    C* const sums = panel + kQueryBlock * panel_width;
    C* const scores = sums + kQueryBlock * panel_width;
    const std::int64_t rows = padded(block.count, kRowPadding);
    const HeadSpan span{block.begin, block.count, head};
    const HeadRows<C> queries = rows_of<T, C>(q, span, s.head_width, panel, rows, panel_width);

    RunningSoftmax<C> softmax;
    for (std::int64_t j = 0; j < key_columns; j += kKeyBlock) {
      const std::int64_t columns = std::min(kKeyBlock, key_columns - j);
      const std::int64_t count = std::min(columns, key_count - j);
      block_product<C>(queries.operand(), keys + j, key_columns, rows, columns, s.head_width,
                       scores, kKeyBlock, false);
      softmax.step(scores, kKeyBlock, block.count, count, columns);
      if (j > 0) softmax.rescale(sums, block.count, panel_width);
      block_product<C>({scores, kKeyBlock, 1}, values.from(j).data, values.stride, rows,
                       panel_width, count, sums, panel_width, j > 0);
    }
    if (key_count == 0) std::fill(sums, sums + rows * panel_width, C{0});
    C* const lse = log_sum_exp.data<C>() + head * tokens + block.begin;
    for (std::int64_t i = 0; i < block.count; ++i)
      lse[i] = softmax.maximum[i] + std::log(softmax.sum[i]);
    unpack_rows<O, C>(sums, panel_width, {out, 0}, span, s.head_width, [&](std::int64_t i) {
      return key_count == 0 ? C{0} : C{1} / softmax.sum[i];
    });
  });
  zero_slack<O>({out, 0}, s.query_offsets.back(), s.heads * s.head_width);
}

}  // namespace

void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp) {
  dispatch_float(q.x.dtype(), "attention", [&]<class T>() {
    using C = Accumulator<T>;
    if (out.dtype() == q.x.dtype()) return forward<T, C, T>(shape, q, k, v, out, log_sum_exp);
    forward<T, C, C>(shape, q, k, v, out, log_sum_exp);
  });
}

}  // namespace muybridge::cpu
