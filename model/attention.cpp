#include "model/attention.h"

#include "core/ops/attention/rope.h"

namespace muybridge {
namespace {

Var norm_weight(Parameters& parameters, const std::string& name, std::int64_t width) {
  return parameters.add({.name = name + ".weight", .shape = {width}, .init = Constant{1}});
}

KeptAttention kept_if(bool wanted) {
  return wanted ? std::make_shared<AttentionOutput>() : nullptr;
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
  const auto attend = [this, layout, kept = kept_if(remakes_qkv)](Inputs in) {
    const AttentionExchanges& e = exchanges;
    const Var rotated =
        qk_norm_rope(qkv(e.enter(in[0])), {norm_q, norm_k}, heads, layout.rope, eps, e.norm);
    const Var here = e.to_heads(rotated);
    return e.attend ? e.attend(here, attended_heads, layout.packing, kept)
                    : self_attention(here, attended_heads, layout.packing, kept);
  };
  const std::vector<Var> input{x};
  const Var attended = remakes_qkv
                           ? recompute(attend, input, {qkv.weight, qkv.bias, norm_q, norm_k})
                           : attend(input);
  return out.through(exchanges.leave, exchanges.to_tokens(attended));
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
  const auto attend = [this, clips, texts, kept = kept_if(remakes_q)](Inputs in) {
    const Var queries =
        qk_norm_rope(q(exchanges.enter(in[0])), {norm_q}, heads, {}, eps, exchanges.norm);
    return cross_attention(queries, in[1], heads, clips, texts, kept);
  };
  const std::vector<Var> inputs{x, text_keys};
  return out.through(exchanges.leave, remakes_q
                                          ? recompute(attend, inputs, {q.weight, q.bias, norm_q})
                                          : attend(inputs));
}

}  // namespace muybridge
