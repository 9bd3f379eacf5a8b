#include "model/wan_names.h"

#include <algorithm>
#include <stdexcept>

namespace muybridge {
namespace {

struct Rule {
  std::string_view ours;
  std::vector<std::string> theirs;  // more than one: equal shares of the rows
};

// Prefixes outside blocks; what follows (".weight") is kept.
const std::vector<Rule>& outer_rules() {
  static const std::vector<Rule> rules = {
      {"patch_embedding", {"patch_embedding"}},
      {"text_embedding.0", {"condition_embedder.text_embedder.linear_1"}},
      {"text_embedding.2", {"condition_embedder.text_embedder.linear_2"}},
      {"time_embedding.0", {"condition_embedder.time_embedder.linear_1"}},
      {"time_embedding.2", {"condition_embedder.time_embedder.linear_2"}},
      {"time_projection.1", {"condition_embedder.time_proj"}},
      {"time_projection", {"condition_embedder.time_proj"}},
      {"head.modulation", {"scale_shift_table"}},
      {"head.projection", {"proj_out"}},
  };
  return rules;
}

// Prefixes after "blocks.N.".
const std::vector<Rule>& block_rules() {
  static const std::vector<Rule> rules = {
      {"modulation", {"scale_shift_table"}},
      {"self_attention.qkv", {"attn1.to_q", "attn1.to_k", "attn1.to_v"}},
      {"self_attention.out", {"attn1.to_out.0"}},
      {"self_attention.norm_q", {"attn1.norm_q"}},
      {"self_attention.norm_k", {"attn1.norm_k"}},
      {"norm3", {"norm2"}},
      {"cross_attention.q", {"attn2.to_q"}},
      {"cross_attention.kv", {"attn2.to_k", "attn2.to_v"}},
      {"cross_attention.out", {"attn2.to_out.0"}},
      {"cross_attention.norm_q", {"attn2.norm_q"}},
      {"cross_attention.norm_k", {"attn2.norm_k"}},
      {"mlp.up", {"ffn.net.0.proj"}},
      {"mlp.down", {"ffn.net.2"}},
  };
  return rules;
}

bool has_prefix(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '.');
}

// Length of "blocks.N." at the start of `name`, 0 where there is none.
std::size_t block_prefix(std::string_view name) {
  constexpr std::string_view kBlocks = "blocks.";
  if (!name.starts_with(kBlocks)) return 0;
  const std::size_t dot = name.find('.', kBlocks.size());
  return dot == std::string_view::npos ? 0 : dot + 1;
}

std::vector<std::string> translate(const std::string& name) {
  const std::size_t begin = block_prefix(name);
  const std::string_view rest = std::string_view(name).substr(begin);
  for (const Rule& rule : begin > 0 ? block_rules() : outer_rules()) {
    if (!has_prefix(rest, rule.ours)) continue;
    std::vector<std::string> names;
    for (const std::string& theirs : rule.theirs)
      names.push_back(name.substr(0, begin) + theirs + std::string(rest.substr(rule.ours.size())));
    return names;
  }
  return {name};
}

// Calls f(element there, element here) for every element of a patch vector of `width`.
template <class F>
void for_each_patch_element(const Grid& patch, std::int64_t width, const F& f) {
  const std::int64_t channels = width / patch.tokens();
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t position = 0; position < patch.tokens(); ++position)
      f(c * patch.tokens() + position, position * channels + c);
}

Shape part_shape(const std::string& name, const Shape& shape, std::int64_t rows, bool patch_vectors,
                 const Grid& patch) {
  if (patch_vectors)
    return {rows, shape[1] / patch.tokens(), patch.frames, patch.height, patch.width};
  if (name.ends_with("scale_shift_table") && shape.rank() == 2) return {1, shape[0], shape[1]};
  std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
  if (!extents.empty()) extents[0] = rows;
  return Shape(std::span<const std::int64_t>(extents));
}

}  // namespace

std::vector<WanPart> wan_parts(const std::string& name, const Shape& shape, const Grid& patch) {
  const std::vector<std::string> names = translate(name);
  const auto count = static_cast<std::int64_t>(names.size());
  const std::int64_t all_rows = shape.rank() == 0 ? 1 : shape[0];
  if (all_rows % count != 0)
    throw std::invalid_argument(
        fmt::format("{} is {}: its rows are not {} equal parts", name, shape, count));
  const bool patch_vectors = name == "patch_embedding.weight";
  if (patch_vectors && (shape.rank() != 2 || shape[1] % patch.tokens() != 0))
    throw std::invalid_argument(
        fmt::format("{} is {}, [width, multiple of {}] expected", name, shape, patch.tokens()));
  std::vector<WanPart> parts;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t rows = all_rows / count;
    parts.push_back({.name = names[i],
                     .shape = part_shape(names[i], shape, rows, patch_vectors, patch),
                     .row = i * rows,
                     .rows = rows,
                     .patch_vectors = patch_vectors});
  }
  return parts;
}

Tensor take_wan_part(const WanPart& part, const Tensor& parameter, const Grid& patch) {
  const Tensor rows =
      parameter.shape().rank() == 0 ? parameter.reshape({1}) : parameter.rows(part.row, part.rows);
  if (!part.patch_vectors) return rows.reshape(part.shape).clone();
  Tensor out = Tensor::empty(part.shape, parameter.dtype());
  const std::int64_t width = parameter.shape()[1];
  dispatch_float(parameter.dtype(), "take_wan_part", [&]<class T>() {
    const T* from = rows.data<T>();
    T* to = out.data<T>();
    for (std::int64_t row = 0; row < part.rows; ++row)
      for_each_patch_element(patch, width, [&](std::int64_t there, std::int64_t here) {
        to[row * width + there] = from[row * width + here];
      });
  });
  return out;
}

void put_wan_part(const WanPart& part, const Tensor& source, const Grid& patch,
                  const Tensor& parameter) {
  require_shape("put_wan_part", part.name.c_str(), source, part.shape);
  const Tensor rows =
      parameter.shape().rank() == 0 ? parameter.reshape({1}) : parameter.rows(part.row, part.rows);
  const Tensor wide = source.to(parameter.dtype());
  if (!part.patch_vectors) {
    rows.copy_from(wide.reshape(rows.shape()));
    return;
  }
  const std::int64_t width = parameter.shape()[1];
  dispatch_float(parameter.dtype(), "put_wan_part", [&]<class T>() {
    const T* from = wide.data<T>();
    T* to = rows.data<T>();
    for (std::int64_t row = 0; row < part.rows; ++row)
      for_each_patch_element(patch, width, [&](std::int64_t there, std::int64_t here) {
        to[row * width + here] = from[row * width + there];
      });
  });
}

}  // namespace muybridge
