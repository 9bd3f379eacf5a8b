#include "model/dit_parts.h"

#include "core/ops/activation.h"
#include "core/ops/flow.h"
#include "core/ops/residual.h"
#include "model/patch_basis.h"

namespace muybridge {
namespace {

// The head starts as the transpose of the patch embedding: a model of the velocity hands its noise
// on, one of the clean clip its input's smooth part, faintly.
constexpr const char* kPatchKey = "patch";
constexpr float kCleanHeadGain = 0.3F;
constexpr float kDetailGain = 0.2F;  // of the MLP beside the head

Initializer patch_init(const DitOptions& o) {
  if (o.prediction == Prediction::kVelocity) return Orthonormal{kPatchKey};
  return Values{smooth_patch_basis(o.patch, o.channels, o.width)};
}

Initializer head_init(const DitOptions& o) {
  if (o.prediction == Prediction::kVelocity) return Orthonormal{kPatchKey};
  Values init{transposed(smooth_patch_basis(o.patch, o.channels, o.width), o.width)};
  for (float& value : init.values) value *= kCleanHeadGain;
  return init;
}

}  // namespace

Conditioning::Conditioning(Parameters& parameters, const DitOptions& o)
    : text_encoder(parameters, "text_encoder", o),
      text_embedding_0(parameters, "text_embedding.0", o.text_width, o.width),
      text_embedding_2(parameters, "text_embedding.2", o.width, o.width),
      time_embedding(parameters, o.width) {}

EncodedText Conditioning::encode_text(const PackedText& text) const {
  const PackedText fitting = text_encoder.fit(text);
  const Var hidden = text_embedding_0.product(text_encoder(fitting));
  return {text_embedding_2(bias_gelu(hidden, text_embedding_0.bias)), fitting.packing, {}};
}

Condition Conditioning::operator()(const Tensor& times, const EncodedText& text) const {
  const auto [time, rows] = time_embedding(times);
  return {time, rows, text};
}

PatchEmbedding::PatchEmbedding(Parameters& parameters, const DitOptions& o)
    : linear(parameters, "patch_embedding", o.token_width(), o.width,
             {.weight = patch_init(o), .hidden = false}) {}

Var PatchEmbedding::operator()(const Tensor& tokens, const TokenLayout& layout) const {
  const Var x = linear(Var::constant(tokens.to(linear.weight.value().dtype())));
  return layout.sines.defined() ? add(x, Var::constant(layout.sines)) : x;
}

DitHead::DitHead(Parameters& parameters, const DitOptions& o)
    : modulation(parameters.add({.name = "head.modulation", .shape = {2, o.width}, .wide = true})),
      linear(parameters, "head.projection", o.width, o.token_width(),
             {.weight = head_init(o), .hidden = false}),
      prediction(o.prediction),
      eps(o.eps) {
  if (o.head_mlp_width > 0)
    detail = Mlp(parameters, "head.detail", o.width, o.head_mlp_width, o.token_width(),
                 {.weight = Glorot{kDetailGain}, .hidden = false});
}

Var DitHead::operator()(const Var& x, const Condition& condition, const NoisyClips& input,
                        const TokenLayout& layout) const {
  const Var table = modulation_table(condition.time, modulation);
  const Var normed = norm_modulate(x, table, 0, 1, layout.clips, eps);
  Var out = linear.unrounded(normed);
  if (detail) out = add(out, detail->unrounded(normed));
  if (prediction == Prediction::kVelocity) return out;
  const DType wide = out.value().dtype();
  return velocity_of_clean(out, input.tokens.to(wide),
                           input.times.to(wide).to(out.value().device()), layout.clips);
}

DitChunk::DitChunk(Parameters& parameters, const DitOptions& options, const BlockRange& chunk)
    : range(chunk), recompute_(options.recompute == Recompute::kBlock) {
  if (range.begin == 0) embedding.emplace(parameters, options);
  for (int i = range.begin; i < range.end; ++i) {
    const std::size_t first = parameters.list().size();
    blocks.emplace_back(parameters, fmt::format("blocks.{}", i), options);
    parameters_.emplace_back();
    for (std::size_t p = first; p < parameters.list().size(); ++p) {
      parameters_.back().push_back(parameters.list()[p].var);
      parameters.set_unit(parameters.list()[p].var, i);
    }
  }
  if (range.end == options.depth) head.emplace(parameters, options);
}

Var DitChunk::operator()(const Var& stream, const Condition& condition, const NoisyClips& input,
                         const TokenLayout& layout) const {
  Var x = embedding ? (*embedding)(input.tokens, layout) : stream;
  const EncodedText& text = condition.text;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const bool known = !text.keys.empty();
    const auto run = [&block = blocks[i], known, layout, texts = text.packing](Inputs in) {
      const Var entered = block.enter(in[0]);
      const Var keys = known ? in[1] : block.cross_attention.keys(in[1]);
      return block.leave(block(entered, keys, in[2], layout, texts));
    };
    const std::size_t number = static_cast<std::size_t>(range.begin) + i;
    const std::vector<Var> inputs = {x, known ? text.keys[number] : text.states,
                                     condition.time_rows};
    x = recompute_ ? recompute(run, inputs, parameters_[i]) : run(inputs);
  }
  return head ? (*head)(x, condition, input, layout) : x;
}

}  // namespace muybridge
