#include "core/math.h"
#include "core/ops/attention/attention_panels.h"

// n tokens of a text  E head width
namespace muybridge::cpu {
namespace {

constexpr std::int64_t kQueryBlock = 64;

// What one head of one text needs, for the longest text.
template <class C>
struct Scratch {
  std::int64_t panel_width, columns;
  Buffer buffer;

  Scratch(std::int64_t head_width, std::int64_t longest, std::int64_t slots)
      : panel_width(padded(head_width, kLanes<C>)),
        columns(padded(longest, kLanes<C>)),
        buffer(sizeof(C) * size() * slots, Device::kCpu) {}

  std::int64_t size() const {
    return 2 * columns * panel_width + kQueryBlock * (2 * panel_width + columns) + 2 * columns;
  }
  C* keys(std::int64_t slot) const { return static_cast<C*>(buffer.data()) + slot * size(); }
  C* values(std::int64_t slot) const { return keys(slot) + columns * panel_width; }
  C* queries(std::int64_t slot) const { return values(slot) + columns * panel_width; }
  C* sums(std::int64_t slot) const { return queries(slot) + kQueryBlock * panel_width; }
  C* scores(std::int64_t slot) const { return sums(slot) + kQueryBlock * panel_width; }
  C* bias(std::int64_t slot) const { return scores(slot) + kQueryBlock * columns; }
};

// Element n - 1 + d is the bias of distance d, for every distance within n tokens.
template <class C>
void spread_bias(const C* of_head, std::int64_t reach, std::int64_t n, C* bias) {
  for (std::int64_t d = 1 - n; d < n; ++d)
    bias[n - 1 + d] = of_head[reach + std::clamp(d, -reach, reach)];
}

// Makes a row of scores weights, all times the same, and returns what their sum is.
template <class C>
C weigh(C* row, const C* bias, std::int64_t n) {
  LaneFold<C, Greater> largest(row[0] + bias[0]);
  largest.add(n, [row, bias](std::int64_t j) { return row[j] += bias[j]; });
  const C top = largest.result();
  return lane_sum<C>(n, [row, top](std::int64_t j) { return row[j] = math::exp(row[j] - top); });
}

template <class T, class C>
void forward(const AttentionShape& s, const HeadColumns& q, const HeadColumns& k,
             const HeadColumns& v, const Tensor& bias, const Tensor& out) {
  const std::int64_t texts = std::ssize(s.query_offsets) - 1, tasks = texts * s.heads;
  const std::int64_t distances = bias.shape()[1];
  std::int64_t longest = 0;
  for (std::int64_t text = 0; text < texts; ++text)
    longest = std::max<std::int64_t>(longest, s.query_offsets[text + 1] - s.query_offsets[text]);
  const Scratch<C> scratch(s.head_width, longest, parallel_slots(tasks));
  const std::int64_t width = scratch.panel_width;
  parallel_for_each(tasks, [&](std::int64_t task, std::int64_t slot) {
    const std::int64_t head = task % s.heads, begin = s.query_offsets[task / s.heads],
                       n = s.query_offsets[task / s.heads + 1] - begin,
                       columns = padded(n, kLanes<C>);
    const HeadSpan text{begin, n, head};
    C* const keys = scratch.keys(slot);
    pack_columns<T, C>(k, text, s.head_width, C{1}, keys, columns);
    const HeadRows<C> values =
        rows_of<T, C>(v, text, s.head_width, scratch.values(slot), columns, width);
    C* const biases = scratch.bias(slot);
    spread_bias(bias.data<C>() + head * distances, (distances - 1) / 2, n, biases);
    C* const scores = scratch.scores(slot);
    for (std::int64_t first = 0; first < n; first += kQueryBlock) {
      const HeadSpan block{begin + first, std::min(kQueryBlock, n - first), head};
      const std::int64_t rows = padded(block.count, kRowPadding);
      const HeadRows<C> queries =
          rows_of<T, C>(q, block, s.head_width, scratch.queries(slot), rows, width);
      block_product<C>(queries.operand(), keys, columns, rows, columns, s.head_width, scores,
                       columns, false);
      C totals[kQueryBlock];
      for (std::int64_t i = 0; i < block.count; ++i)
        totals[i] = weigh(scores + i * columns, biases + n - 1 - (first + i), n);
      block_product<C>({scores, columns, 1}, values.data, values.stride, rows, width, n,
                       scratch.sums(slot), width, false);
      unpack_rows<T, C>(scratch.sums(slot), width, {out, 0}, block, s.head_width,
                        [&](std::int64_t i) { return C{1} / totals[i]; });
    }
  });
  zero_slack<T>({out, 0}, s.query_offsets.back(), s.heads * s.head_width);
}

}  // namespace

void relative_attention(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& bias, const Tensor& out) {
  dispatch_float(out.dtype(), "relative_attention",
                 [&]<class T>() { forward<T, Accumulator<T>>(shape, q, k, v, bias, out); });
}

}  // namespace muybridge::cpu
