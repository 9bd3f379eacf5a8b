#include "model/umt5/umt5_encoder.h"

#include "core/ops/activation.h"
#include "core/ops/embedding.h"
#include "core/ops/norm.h"
#include "core/ops/product/linear.h"
#include "core/ops/residual.h"

namespace muybridge {
namespace {

Var norm_weight(Parameters& parameters, const std::string& name, std::int64_t width) {
  return parameters.add({.name = name + ".weight", .shape = {width}, .init = Constant{1}});
}

Var matrix(Parameters& parameters, const std::string& name, std::int64_t out, std::int64_t in) {
  return parameters.add(
      {.name = name + ".weight", .shape = {out, in}, .init = Glorot{}, .decay = true});
}

}  // namespace

Umt5Encoder::Block::Block(Parameters& parameters, const std::string& name, const Umt5Options& o)
    : norm1(norm_weight(parameters, name + ".norm1", o.width)),
      qkv(matrix(parameters, name + ".attention.qkv", 3 * o.heads * o.head_width, o.width)),
      buckets(matrix(parameters, name + ".attention.buckets", o.buckets.count, o.heads)),
      out(matrix(parameters, name + ".attention.out", o.width, o.heads * o.head_width)),
      norm2(norm_weight(parameters, name + ".norm2", o.width)),
      gate_up(matrix(parameters, name + ".mlp.gate_up", 2 * o.mlp_width, o.width)),
      down(matrix(parameters, name + ".mlp.down", o.width, o.mlp_width)) {}

Var Umt5Encoder::Block::operator()(const Var& x, const Umt5Options& o, const Packing& texts) const {
  const Var attended = relative_attention(linear(rms_norm(x, norm1, o.eps), qkv), buckets,
                                          o.buckets, o.heads, texts);
  const Var y = add(x, linear(attended, out));
  return add(y, linear(gated_gelu(linear(rms_norm(y, norm2, o.eps), gate_up)), down));
}

Umt5Encoder::Umt5Encoder(Parameters& parameters, const std::string& name, const Umt5Options& o)
    : options((require_valid(o), o)) {
  const std::string prefix = name.empty() ? "" : name + ".";
  embedding = parameters.add({.name = prefix + "embedding.weight",
                              .shape = {o.vocabulary, o.width},
                              .init = Normal{1},
                              .decay = true});
  for (std::int64_t i = 0; i < o.depth; ++i)
    blocks.emplace_back(parameters, fmt::format("{}blocks.{}", prefix, i), o);
  norm = norm_weight(parameters, prefix + "norm", o.width);
}

Var Umt5Encoder::operator()(const PackedText& texts) const {
  Var x = muybridge::embedding(texts.ids, embedding);
  for (const Block& block : blocks) x = block(x, options, texts.packing);
  return rms_norm(x, norm, options.eps);
}

}  // namespace muybridge
