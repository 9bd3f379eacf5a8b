#include "model/dit_block.h"

#include "core/ops/residual.h"

namespace muybridge {
namespace {

// Rows of the modulation.
enum { kShift, kScale, kGate, kMlpShift, kMlpScale, kMlpGate, kRows };

// Of the layers whose output is added to the stream of tokens: small, so that a new block hands its
// input on. Cross-attention is not among them: through a faint one the text learns nothing.
constexpr float kBranchGain = 0.2F;

}  // namespace

DitBlock::DitBlock(Parameters& parameters, const std::string& name, const DitOptions& o)
    : modulation(parameters.add({.name = name + ".modulation",
                                 .shape = {kRows, o.width},
                                 .init = RowConstants{{0, 0, 1, 0, 0, 1}},  // gates are open
                                 .wide = true})),
      self_attention(parameters, name + ".self_attention", o.width, o.heads, o.eps, kBranchGain),
      norm3_weight(parameters.add(
          {.name = name + ".norm3.weight", .shape = {o.width}, .init = Constant{1}})),
      norm3_bias(parameters.add({.name = name + ".norm3.bias", .shape = {o.width}})),
      cross_attention(parameters, name + ".cross_attention", o.width, o.heads, o.eps),
      mlp(parameters, name + ".mlp", o.width, o.mlp_width, kBranchGain),
      eps(o.eps) {
  if (o.linear == BlockProducts::kFp8) multiply_in_fp8();
  self_attention.remakes_qkv = cross_attention.remakes_q = o.recompute == Recompute::kAttention;
}

void DitBlock::multiply_in_fp8() {
  for (Linear* const each : {&self_attention.qkv, &self_attention.out, &cross_attention.q,
                             &cross_attention.kv, &cross_attention.out, &mlp.up, &mlp.down})
    each->in_fp8 = true;
  // What attention gave, its own backward reads; the states of the text are the same in all blocks.
  for (Linear* const each : {&self_attention.out, &cross_attention.out, &cross_attention.kv})
    each->kept = KeptInput::kItself;
}

Var DitBlock::operator()(const Var& input, const Var& keys, const Var& time,
                         const TokenLayout& layout, const Packing& texts) const {
  const Var table = modulation_table(time, modulation);
  Var x = input;
  x = gate_residual(
      x, self_attention(norm_modulate(x, table, kShift, kScale, layout.clips, eps), layout), table,
      kGate, layout.clips);
  x = add(x, cross_attention(layer_norm(x, norm3_weight, norm3_bias, eps), keys, layout.queries,
                             texts));
  return gate_residual(x, mlp(norm_modulate(x, table, kMlpShift, kMlpScale, layout.clips, eps)),
                       table, kMlpGate, layout.clips);
}

}  // namespace muybridge
