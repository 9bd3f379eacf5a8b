#include "model/text_encoder.h"

#include "core/ops/embedding.h"
#include "core/ops/norm.h"
#include "core/ops/residual.h"
#include "core/text/utf8.h"
#include "data/loader/batch.h"

namespace muybridge {
namespace {

Var norm_weight(Parameters& parameters, const std::string& name, std::int64_t width) {
  return parameters.add({.name = name + ".weight", .shape = {width}, .init = Constant{1}});
}

}  // namespace

PackedText pack_captions(const std::vector<std::string>& captions, std::size_t max_bytes) {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> lengths;
  for (const std::string& caption : captions) {
    const std::string_view text = cut_utf8(caption, max_bytes);
    ids.push_back(kTextBegin);
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    lengths.push_back(static_cast<std::int64_t>(text.size()) + 1);
  }
  Packing packing = Packing::of_lengths(lengths, kTextRowStep);
  ids.resize(static_cast<std::size_t>(packing.rows), kSlackId);
  return {Tensor::of<std::int32_t>({packing.rows}, ids), std::move(packing)};
}

ByteTextEncoder::Block::Block(Parameters& parameters, const std::string& name, const DitOptions& o)
    : norm1(norm_weight(parameters, name + ".norm1", o.text_width)),
      attention(parameters, name + ".attention", o.text_width, o.text_heads, o.eps,
                /*gain=*/1.0F),
      norm2(norm_weight(parameters, name + ".norm2", o.text_width)),
      mlp(parameters, name + ".mlp", o.text_width, 4 * o.text_width, /*gain=*/1.0F) {}

ByteTextEncoder::ByteTextEncoder(Parameters& parameters, const std::string& name,
                                 const DitOptions& o)
    : embedding(parameters.add({.name = name + ".embedding",
                                .shape = {kByteVocabulary, o.text_width},
                                .init = Normal{1},
                                .decay = true})),
      axes(RopeAxes::of_sequence(o.text_width / o.text_heads, o.rope_theta)),
      eps(o.eps) {
  for (int i = 0; i < o.text_depth; ++i)
    blocks.emplace_back(parameters, fmt::format("{}.blocks.{}", name, i), o);
  norm = norm_weight(parameters, name + ".norm", o.text_width);
}

PackedText ByteTextEncoder::fit(const PackedText& text) const {
  const std::int64_t short_of = text.packing.rows % rows.parts;
  if (short_of == 0) return text;
  PackedText longer = text;
  longer.packing.rows += rows.parts - short_of;
  std::vector<std::int32_t> ids = text.ids.to_vector<std::int32_t>();
  ids.resize(static_cast<std::size_t>(longer.packing.rows), kSlackId);
  longer.ids = Tensor::of<std::int32_t>({longer.packing.rows}, ids);
  return longer;
}

Var ByteTextEncoder::operator()(const PackedText& text) const {
  const Tensor& table = embedding.value();
  const TokenLayout layout(text.packing, axes, table.dtype(), table.device(), rows);
  Var x = muybridge::embedding(layout.own_rows(text.ids), embedding);
  for (const Block& block : blocks) {
    x = add(x, block.attention(rms_norm(x, block.norm1, eps), layout));
    x = add(x, block.mlp(rms_norm(x, block.norm2, eps)));
  }
  return rms_norm(x, norm, eps);
}

}  // namespace muybridge
