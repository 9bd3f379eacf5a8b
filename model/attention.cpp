#include "model/attention.h"

#include "core/ops/attention/attention.h"
#include "core/ops/attention/rope.h"

namespace muybridge {
namespace {

Var norm_weight(Parameters& parameters, const std::string& name, std::int64_t width) {
  return parameters.add({.name = name + ".weight", .shape = {width}, .init = Constant{1}});
}

}  // namespace

SelfAttention::SelfAttention(Parameters& parameters, const std::string& name, std::int64_t width,
                             std::int64_t head_count, double epsilon, float gain)
    : qkv(parameters, name + ".qkv", width, 3 * width),
      norm_q(norm_weight(parameters, name + ".norm_q", width)),
      norm_k(norm_weight(parameters, name + ".norm_k", width)),
      out(parameters, name + ".out", width, width, {.weight = Glorot{gain}}),
      heads(head_count),
      attended_heads(head_count),
      eps(epsilon) {}

Var SelfAttention::operator()(const Var& x, const TokenLayout& layout) const {
  const AttentionExchanges& e = exchanges;
  const Var rotated =
      qk_norm_rope(qkv(e.enter(x)), {norm_q, norm_k}, heads, layout.rope, eps, e.norm);
  const Var qkv_here = e.to_heads(rotated);
  const Var attended = e.attend ? e.attend(qkv_here, attended_heads, layout.packing)
                                : self_attention(qkv_here, attended_heads, layout.packing);
  return out.through(e.leave, e.to_tokens(attended));
}

CrossAttention::CrossAttention(Parameters& parameters, const std::string& name, std::int64_t width,
                               std::int64_t head_count, double epsilon)
    : q(parameters, name + ".q", width, width),
      kv(parameters, name + ".kv", width, 2 * width),
      norm_q(norm_weight(parameters, name + ".norm_q", width)),
      norm_k(norm_weight(parameters, name + ".norm_k", width)),
      out(parameters, name + ".out", width, width),
      heads(head_count),
      eps(epsilon) {}

Var CrossAttention::keys(const Var& text) const {
  return qk_norm_rope(kv(exchanges.enter_text(text)), {norm_k}, heads, {}, eps, exchanges.norm);
}

Var CrossAttention::operator()(const Var& x, const Var& text_keys, const Packing& clips,
                               const Packing& texts) const {
  const Var queries = qk_norm_rope(q(exchanges.enter(x)), {norm_q}, heads, {}, eps, exchanges.norm);
  return out.through(exchanges.leave, cross_attention(queries, text_keys, heads, clips, texts));
}

}  // namespace muybridge
