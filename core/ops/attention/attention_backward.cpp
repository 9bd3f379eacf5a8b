#include <cmath>

#include "core/math.h"
#include "core/ops/attention/attention_panels.h"

namespace muybridge::cpu {
namespace {

constexpr std::int64_t kQueryBlock = 64;
constexpr std::int64_t kKeyBlock = 128;

// All panels that one (clip, head) needs, in one block of memory.
template <class C>
struct Panels {
  std::int64_t width, rows, columns;  // padded head width, query rows, key columns
  C *queries, *dout, *dq;             // [rows, width]
  C *keys, *dk, *dv;                  // [columns, width]
  C *keys_across, *values_across;     // [width, columns]
  C* delta;                           // [rows]
  C *weights, *dscores;               // [kQueryBlock, kKeyBlock]

  Panels(std::int64_t queries_count, std::int64_t keys_count, std::int64_t head_width)
      : width(padded(head_width, kLanes<C>)),
        rows(padded(queries_count, kRowPadding)),
        columns(padded(keys_count, std::max<std::int64_t>(kLanes<C>, kRowPadding))) {}

  std::int64_t elements() const {  // a multiple of a vector
    return padded(3 * rows * width + 5 * columns * width + rows + 2 * kQueryBlock * kKeyBlock,
                  kLanes<C>);
  }

  void place(C* next) {
    const auto take = [&next](std::int64_t count) {
      C* const block = next;
      next += count;
      return block;
    };
    queries = take(rows * width), dout = take(rows * width), dq = take(rows * width);
    keys = take(columns * width), dk = take(columns * width), dv = take(columns * width);
    keys_across = take(columns * width), values_across = take(columns * width);
    weights = take(kQueryBlock * kKeyBlock), dscores = take(kQueryBlock * kKeyBlock);
    delta = take(rows);
  }
};

// delta[i] = sum over e of dout * out (the row's mean of the softmax's gradient).
template <class T, class C>
void row_dots(const Tensor& out, const HeadSpan& span, std::int64_t head_width,
              const HeadRows<C>& dout, C* delta) {
  const std::int64_t stride = out.shape().back();
  const T* o = out.data<T>() + span.begin * stride + span.head * head_width;
  for (std::int64_t i = 0; i < span.count; ++i, o += stride) {
    const C* const row = dout.from(i).data;
    delta[i] =
        lane_sum<C>(head_width, [row, o](std::int64_t e) { return row[e] * static_cast<C>(o[e]); });
  }
}

// From scores and dP (in dscores) to softmax weights and score gradients; zero beyond the clip.
template <class C>
void softmax_grad(Panels<C>& p, const C* lse, std::int64_t first, std::int64_t row_count,
                  std::int64_t keys, std::int64_t columns) {
  for (std::int64_t i = 0; i < padded(row_count, kRowPadding); ++i) {
    C* const weight = p.weights + i * kKeyBlock;
    C* const grad = p.dscores + i * kKeyBlock;
    if (i >= row_count) {
      std::fill(weight, weight + columns, C{0});
      std::fill(grad, grad + columns, C{0});
      continue;
    }
    const C shift = lse[i], mean = p.delta[first + i];
#pragma omp simd
    for (std::int64_t j = 0; j < columns; ++j) {
      const C w = math::exp(weight[j] - shift);
      weight[j] = w;
      grad[j] = w * (grad[j] - mean);
    }
    fill_tail(weight, keys, columns, C{0});
    fill_tail(grad, keys, columns, C{0});
  }
}

// G is the type of the gradients.
template <class T, class C, class G>
void backward_head(const AttentionShape& s, std::int64_t clip, std::int64_t head,
                   const HeadColumns& q, const HeadColumns& k, const HeadColumns& v,
                   const Tensor& out, const Tensor& log_sum_exp, const Tensor& dout,
                   const AttentionGradients& gradients, C* memory) {
  const HeadSpan queries{s.query_offsets[clip], s.query_offsets[clip + 1] - s.query_offsets[clip],
                         head};
  const HeadSpan keys{s.key_offsets[clip], s.key_offsets[clip + 1] - s.key_offsets[clip], head};
  const C scale = C{1} / std::sqrt(static_cast<C>(s.head_width));
  Panels<C> p(queries.count, keys.count, s.head_width);
  p.place(memory);
  const auto rows_in = [&](const HeadColumns& x, const HeadSpan& span, C* panel,
                           std::int64_t rows) {
    return rows_of<T, C>(x, span, s.head_width, panel, rows, p.width);
  };
  const HeadRows<C> all_queries = rows_in(q, queries, p.queries, p.rows);
  const HeadRows<C> all_douts = rows_in({dout, 0}, queries, p.dout, p.rows);
  const HeadRows<C> all_keys = rows_in(k, keys, p.keys, p.columns);
  pack_columns<T, C>(k, keys, s.head_width, scale, p.keys_across, p.columns);
  pack_columns<T, C>(v, keys, s.head_width, C{1}, p.values_across, p.columns);
  row_dots<T, C>(out, queries, s.head_width, all_douts, p.delta);
  if (queries.count == 0) {
    std::fill(p.dk, p.dk + p.columns * p.width, C{0});
    std::fill(p.dv, p.dv + p.columns * p.width, C{0});
  }
  if (keys.count == 0) std::fill(p.dq, p.dq + p.rows * p.width, C{0});
  const C* const lse = log_sum_exp.data<C>() + head * out.shape().rows() + queries.begin;

  for (std::int64_t j = 0; j < p.columns; j += kKeyBlock) {
    const std::int64_t columns = std::min(kKeyBlock, p.columns - j);
    const std::int64_t count = std::clamp<std::int64_t>(keys.count - j, 0, columns);
    for (std::int64_t i = 0; i < p.rows; i += kQueryBlock) {
      const std::int64_t rows = std::min(kQueryBlock, p.rows - i);
      const HeadRows<C> query = all_queries.from(i), dout_rows = all_douts.from(i);
      block_product<C>(query.operand(), p.keys_across + j, p.columns, rows, columns, s.head_width,
                       p.weights, kKeyBlock, false);
      block_product<C>(dout_rows.operand(), p.values_across + j, p.columns, rows, columns,
                       s.head_width, p.dscores, kKeyBlock, false);
      softmax_grad(p, lse + i, i, std::min(kQueryBlock, queries.count - i), count, columns);
      block_product<C>({p.weights, 1, kKeyBlock}, dout_rows.data, dout_rows.stride, columns,
                       p.width, rows, p.dv + j * p.width, p.width, i > 0);
      block_product<C>({p.dscores, 1, kKeyBlock}, query.data, query.stride, columns, p.width, rows,
                       p.dk + j * p.width, p.width, i > 0);
      block_product<C>({p.dscores, kKeyBlock, 1}, all_keys.from(j).data, all_keys.stride, rows,
                       p.width, count, p.dq + i * p.width, p.width, j > 0);
    }
  }
  const auto by_scale = [scale](std::int64_t) { return scale; };
  unpack_rows<G, C>(p.dq, p.width, gradients.dq, queries, s.head_width, by_scale);
  unpack_rows<G, C>(p.dk, p.width, gradients.dk, keys, s.head_width, by_scale);
  unpack_rows<G, C>(p.dv, p.width, gradients.dv, keys, s.head_width,
                    [](std::int64_t) { return C{1}; });
}

template <class T, class C, class G>
void backward(const AttentionShape& s, const HeadColumns& q, const HeadColumns& k,
              const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
              const Tensor& dout, const AttentionGradients& gradients) {
  const std::int64_t clips = static_cast<std::int64_t>(s.query_offsets.size()) - 1;
  std::int64_t scratch = 0;  // of the largest clip
  for (std::int64_t clip = 0; clip < clips; ++clip)
    scratch =
        std::max(scratch, Panels<C>(s.query_offsets[clip + 1] - s.query_offsets[clip],
                                    s.key_offsets[clip + 1] - s.key_offsets[clip], s.head_width)
                              .elements());
  const std::int64_t tasks = clips * s.heads;
  const Buffer memory(sizeof(C) * scratch * parallel_slots(tasks), Device::kCpu);
  parallel_for_each(tasks, [&](std::int64_t task, std::int64_t slot) {
    backward_head<T, C, G>(s, task / s.heads, task % s.heads, q, k, v, out, log_sum_exp, dout,
                           gradients, static_cast<C*>(memory.data()) + slot * scratch);
  });
  const std::int64_t width = s.heads * s.head_width;
  zero_slack<G>(gradients.dq, s.query_offsets.back(), width);
  zero_slack<G>(gradients.dk, s.key_offsets.back(), width);
  zero_slack<G>(gradients.dv, s.key_offsets.back(), width);
}

}  // namespace

void attention_backward(const AttentionShape& s, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients) {
  dispatch_float(q.x.dtype(), "attention", [&]<class T>() {
    using C = Accumulator<T>;
    if (gradients.dq.x.dtype() == q.x.dtype())
      return backward<T, C, T>(s, q, k, v, out, log_sum_exp, dout, gradients);
    backward<T, C, C>(s, q, k, v, out, log_sum_exp, dout, gradients);
  });
}

}  // namespace muybridge::cpu
