#include "model/umt5/public_names.h"

#include <fmt/format.h>

#include <stdexcept>

namespace muybridge {
namespace {

struct Rule {
  std::string_view ours;
  std::vector<std::string_view> transformers, wan;  // more than one: equal shares of the rows
};

const std::vector<Rule>& outer_rules() {
  static const std::vector<Rule> rules = {
      {"embedding.weight", {"shared.weight"}, {"token_embedding.weight"}},
      {"norm.weight", {"encoder.final_layer_norm.weight"}, {"norm.weight"}},
  };
  return rules;
}

// Behind "blocks.N.", and there behind "encoder.block.N." or "blocks.N.".
const std::vector<Rule>& block_rules() {
  static const std::vector<Rule> rules = {
      {"norm1.weight", {"layer.0.layer_norm.weight"}, {"norm1.weight"}},
      {"attention.qkv.weight",
       {"layer.0.SelfAttention.q.weight", "layer.0.SelfAttention.k.weight",
        "layer.0.SelfAttention.v.weight"},
       {"attn.q.weight", "attn.k.weight", "attn.v.weight"}},
      {"attention.buckets.weight",
       {"layer.0.SelfAttention.relative_attention_bias.weight"},
       {"pos_embedding.embedding.weight"}},
      {"attention.out.weight", {"layer.0.SelfAttention.o.weight"}, {"attn.o.weight"}},
      {"norm2.weight", {"layer.1.layer_norm.weight"}, {"norm2.weight"}},
      {"mlp.gate_up.weight",
       {"layer.1.DenseReluDense.wi_0.weight", "layer.1.DenseReluDense.wi_1.weight"},
       {"ffn.gate.0.weight", "ffn.fc1.weight"}},
      {"mlp.down.weight", {"layer.1.DenseReluDense.wo.weight"}, {"ffn.fc2.weight"}},
  };
  return rules;
}

}  // namespace

std::vector<Umt5Part> umt5_parts(std::string_view name, const Shape& shape, Umt5Names names) {
  constexpr std::string_view kBlocks = "blocks.";
  const bool is_wan = names == Umt5Names::kWan;
  std::string_view rest = name;
  std::string prefix;
  if (name.starts_with(kBlocks)) {
    const std::size_t dot = std::min(name.find('.', kBlocks.size()), name.size() - 1);
    rest = name.substr(dot + 1);
    prefix = fmt::format("{}{}", is_wan ? "blocks." : "encoder.block.",
                         name.substr(kBlocks.size(), dot + 1 - kBlocks.size()));
  }
  for (const Rule& rule : prefix.empty() ? outer_rules() : block_rules()) {
    if (rest != rule.ours) continue;
    const std::vector<std::string_view>& theirs = is_wan ? rule.wan : rule.transformers;
    const std::int64_t rows = shape[0] / std::ssize(theirs);
    std::vector<Umt5Part> parts;
    parts.reserve(theirs.size());
    for (const std::string_view their : theirs)
      parts.push_back(
          {.name = prefix + std::string(their), .row = std::ssize(parts) * rows, .rows = rows});
    return parts;
  }
  throw std::invalid_argument(fmt::format("umt5: '{}' is none of its parameters", name));
}

// The embedding, which the library ties.
std::string other_umt5_name(const std::string& name) {
  return name == "shared.weight" ? "encoder.embed_tokens.weight" : "";
}

}  // namespace muybridge
