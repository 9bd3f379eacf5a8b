#include "core/ops/attention/attention_part.h"

#include <limits>
#include <stdexcept>

#include "core/launch.h"
#include "core/ops/attention/attention_part_functor.h"

namespace muybridge {
namespace {

void check(const AttentionPart& p) {
  require_same_kind("attend_part", {&p.q.x, &p.k.x, &p.v.x});
  if (p.heads <= 0 || p.width % p.heads)
    throw std::invalid_argument(
        fmt::format("attend_part: {} columns do not split into {} heads", p.width, p.heads));
  if (p.queries.empty() || p.queries.size() != p.keys.size())
    throw std::invalid_argument(
        fmt::format("attend_part: offsets of {} clips of queries and of {} of keys",
                    std::ssize(p.queries) - 1, std::ssize(p.keys) - 1));
  if (p.queries.front() != 0 || p.keys.front() != 0 || p.queries.back() > p.q.x.shape().rows() ||
      p.keys.back() > p.k.x.shape().rows() || p.keys.back() > p.v.x.shape().rows())
    throw std::invalid_argument(
        fmt::format("attend_part: clips are rows {} to {} and {} to {}, q is {}, k {}, v {}",
                    p.queries.front(), p.queries.back(), p.keys.front(), p.keys.back(),
                    p.q.x.shape(), p.k.x.shape(), p.v.x.shape()));
  if (p.q.x.device() != Device::kCuda) return;
  for (std::size_t clip = 0; clip + 1 < p.keys.size(); ++clip)
    if (p.keys[clip] == p.keys[clip + 1] && p.queries[clip] < p.queries[clip + 1])
      throw std::invalid_argument(
          fmt::format("attend_part: clip {} has queries and no keys, which attention on CUDA "
                      "does not take; leave it out of the part",
                      clip));
}

AttentionShape shape_of(const AttentionPart& p) {
  return {p.heads, p.width / p.heads, p.queries, p.keys};
}

Tensor wide_rows(const AttentionPart& p, const Tensor& like) {
  return Tensor::empty({like.shape().rows(), p.width}, accumulator_of(like.dtype()), like.device());
}

}  // namespace

AttentionOutput attend_part(const AttentionPart& part) {
  check(part);
  AttentionOutput result{.out = wide_rows(part, part.q.x), .log_sum_exp = {}};
  const Shape sums{part.heads, part.q.x.shape().rows()};
  const DType wide = result.out.dtype();
  const Device device = part.q.x.device();
  const bool slack = part.queries.back() < part.q.x.shape().rows();
  result.log_sum_exp =
      slack ? Tensor::full(sums, -std::numeric_limits<double>::infinity(), wide).to(device)
            : Tensor::empty(sums, wide, device);
  attention_forward(shape_of(part), part.q, part.k, part.v, result.out, result.log_sum_exp);
  return result;
}

void merge_attention(const AttentionOutput& into, const AttentionOutput& other,
                     std::int64_t first) {
  const std::int64_t heads = into.log_sum_exp.shape()[0], all_rows = into.out.shape()[0],
                     width = into.out.shape()[1], rows = other.out.shape()[0];
  require_shape("merge_attention", "other", other.out, {rows, width});
  require_shape("merge_attention", "other's log-sum-exp", other.log_sum_exp, {heads, rows});
  require_same_kind("merge_attention", {&into.out, &other.out});
  if (first < 0 || first + rows > all_rows)
    throw std::invalid_argument(
        fmt::format("merge_attention: rows {} to {} of {}", first, first + rows, into.out.shape()));
  const Device device = into.out.device();
  const Tensor keep = Tensor::empty({heads, rows}, into.out.dtype(), device),
               add = Tensor::empty({heads, rows}, into.out.dtype(), device);
  dispatch_accumulator(into.out.dtype(), "merge_attention", [&]<class A>() {
    for_elements(
        device, heads * rows,
        functor::MergeLogSums<A>{other.log_sum_exp.data<A>(), rows, first, all_rows,
                                 into.log_sum_exp.data<A>(), keep.data<A>(), add.data<A>()});
    for_rows(device, rows, width,
             functor::MergeAttention<A>{other.out.data<A>(), keep.data<A>(), add.data<A>(), rows,
                                        first, heads, width / heads, into.out.data<A>()});
  });
}

PartGradients attend_part_backward(const AttentionPart& part, const Tensor& out,
                                   const Tensor& log_sum_exp, const Tensor& dout,
                                   const PartGradients& into) {
  check(part);
  const Shape shape{part.q.x.shape().rows(), part.width};
  require_shape("attend_part_backward", "out", out, shape);
  require_shape("attend_part_backward", "dout", dout, shape);
  require_shape("attend_part_backward", "log-sum-exp", log_sum_exp, {part.heads, shape[0]});
  require_same_kind("attend_part_backward", {&part.q.x, &out, &dout});
  PartGradients grads = into;
  if (!into.dq.defined())
    grads = {.dq = wide_rows(part, part.q.x),
             .dk = wide_rows(part, part.k.x),
             .dv = wide_rows(part, part.v.x)};
  require_shape("attend_part_backward", "dq", grads.dq, shape);
  require_shape("attend_part_backward", "dk", grads.dk, {part.k.x.shape().rows(), part.width});
  require_shape("attend_part_backward", "dv", grads.dv, {part.v.x.shape().rows(), part.width});
  attention_backward(shape_of(part), part.q, part.k, part.v, out, log_sum_exp, dout,
                     {.dq = {grads.dq, 0}, .dk = {grads.dk, 0}, .dv = {grads.dv, 0}});
  return grads;
}

Tensor log_sum_exp_of(const Tensor& log_sum_exp, std::int64_t first, std::int64_t count) {
  const std::int64_t heads = log_sum_exp.shape()[0], rows = log_sum_exp.shape()[1];
  if (first < 0 || count < 0 || first + count > rows)
    throw std::invalid_argument(fmt::format("log_sum_exp_of: columns {} to {} of {}", first,
                                            first + count, log_sum_exp.shape()));
  const Tensor columns = Tensor::empty({heads, count}, log_sum_exp.dtype(), log_sum_exp.device());
  dispatch_accumulator(columns.dtype(), "log_sum_exp_of", [&]<class A>() {
    for_elements(
        columns.device(), heads * count,
        functor::ColumnsOf<A>{log_sum_exp.data<A>(), rows, first, count, columns.data<A>()});
  });
  return columns;
}

}  // namespace muybridge
