#include "core/ops/attention/attention.h"

#include <stdexcept>

#include "core/cuda/attention.h"
#include "core/ops/attention/attention_kernel.h"

namespace muybridge {
namespace {

// What forward and backward know of the operands.
struct Problem {
  std::int64_t heads;
  std::int64_t width;  // D
  Packing queries;
  Packing keys;

  AttentionShape shape() const { return {heads, width / heads, queries.offsets, keys.offsets}; }
};

void check(const char* what, const Problem& p, const Tensor& q_rows, const Tensor& k_rows) {
  if (p.heads <= 0 || p.width % p.heads)
    throw std::invalid_argument(
        fmt::format("{}: {} columns do not split into {} heads", what, p.width, p.heads));
  if (p.queries.clips() != p.keys.clips())
    throw std::invalid_argument(fmt::format("{}: {} clips of queries, {} of keys", what,
                                            p.queries.clips(), p.keys.clips()));
  if (p.queries.used() > q_rows.shape().rows() || p.keys.used() > k_rows.shape().rows())
    throw std::invalid_argument(
        fmt::format("{}: the packings hold {} and {} tokens, the tensors are {} and {}", what,
                    p.queries.used(), p.keys.used(), q_rows.shape(), k_rows.shape()));
  for (int clip = 0; clip < p.keys.clips(); ++clip)
    if (p.keys.length(clip) == 0 && p.queries.length(clip) > 0)
      throw std::invalid_argument(fmt::format("{}: clip {} has queries and no keys", what, clip));
}

AttentionOutput forward(const Problem& p, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const KeptAttention& kept) {
  return attend_once(kept, [&] {
    const std::int64_t rows = q.x.shape().rows();
    const DType dtype = q.x.dtype();
    const Device device = q.x.device();
    const AttentionOutput output{
        .out = Tensor::empty({rows, p.width}, dtype, device),
        .log_sum_exp = Tensor::empty({p.heads, rows}, accumulator_of(dtype), device)};
    attention_forward(p.shape(), q, k, v, output.out, output.log_sum_exp);
    return output;
  });
}

Tensor empty_like(const Tensor& x) { return Tensor::empty(x.shape(), x.dtype(), x.device()); }

}  // namespace

void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp) {
  if (q.x.device() == Device::kCuda)
    cuda::attention_forward(shape, q, k, v, out, log_sum_exp);
  else
    cpu::attention_forward(shape, q, k, v, out, log_sum_exp);
}

void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients) {
  if (q.x.device() == Device::kCuda)
    cuda::attention_backward(shape, q, k, v, out, log_sum_exp, dout, gradients);
  else
    cpu::attention_backward(shape, q, k, v, out, log_sum_exp, dout, gradients);
}

AttentionOutput attend_once(const KeptAttention& kept,
                            const std::function<AttentionOutput()>& attend) {
  if (kept && kept->out.defined()) return *kept;
  const AttentionOutput output = attend();
  if (kept) *kept = output;
  return output;
}

Var self_attention(const Var& qkv, std::int64_t heads, const Packing& packing,
                   const KeptAttention& kept) {
  const Tensor& x = qkv.value();
  if (x.shape().rank() != 2 || x.shape().back() % 3)
    throw std::invalid_argument(
        fmt::format("self_attention: qkv is {}; [T, 3 D] expected", x.shape()));
  const std::int64_t width = x.shape().back() / 3;
  const Problem problem{heads, width, packing, packing};
  check("self_attention", problem, x, x);
  const AttentionOutput output = forward(problem, {x, 0}, {x, width}, {x, 2 * width}, kept);
  return Var::op(output.out, {qkv},
                 [problem, width, out = output.out, log_sum_exp = output.log_sum_exp](
                     Inputs in, const Tensor& dout) {
                   const Tensor& input = in[0].value();
                   const Tensor grad = empty_like(input);
                   attention_backward(
                       problem.shape(), {input, 0}, {input, width}, {input, 2 * width}, out,
                       log_sum_exp, dout,
                       {.dq = {grad, 0}, .dk = {grad, width}, .dv = {grad, 2 * width}});
                   in[0].add_grad(grad);
                 });
}

Var cross_attention(const Var& q, const Var& kv, std::int64_t heads, const Packing& queries,
                    const Packing& keys, const KeptAttention& kept) {
  const Tensor &x = q.value(), &y = kv.value();
  const std::int64_t width = x.shape().back();
  if (x.shape().rank() != 2 || y.shape().rank() != 2 || y.shape().back() != 2 * width)
    throw std::invalid_argument(fmt::format(
        "cross_attention: q is {}, kv is {}; [T, D] and [S, 2 D] expected", x.shape(), y.shape()));
  require_same_kind("cross_attention", {&x, &y});
  const Problem problem{heads, width, queries, keys};
  check("cross_attention", problem, x, y);
  const AttentionOutput output = forward(problem, {x, 0}, {y, 0}, {y, width}, kept);
  return Var::op(output.out, {q, kv},
                 [problem, width, out = output.out, log_sum_exp = output.log_sum_exp](
                     Inputs in, const Tensor& dout) {
                   const Tensor dq = empty_like(in[0].value()), dkv = empty_like(in[1].value());
                   attention_backward(problem.shape(), {in[0].value(), 0}, {in[1].value(), 0},
                                      {in[1].value(), width}, out, log_sum_exp, dout,
                                      {.dq = {dq, 0}, .dk = {dkv, 0}, .dv = {dkv, width}});
                   in[0].add_grad(dq);
                   in[1].add_grad(dkv);
                 });
}

}  // namespace muybridge
