#include "model/dit.h"

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

std::vector<DitBlock> make_blocks(Parameters& parameters, const DitOptions& options,
                                  std::vector<std::size_t>& first_parameter) {
  std::vector<DitBlock> blocks;
  for (int i = 0; i < options.depth; ++i) {
    first_parameter.push_back(parameters.list().size());
    blocks.emplace_back(parameters, fmt::format("blocks.{}", i), options);
  }
  first_parameter.push_back(parameters.list().size());
  return blocks;
}

}  // namespace

Dit::Dit(Parameters& parameters, const DitOptions& o)
    : options_(o),
      parameters_(parameters),
      patch_embedding_(parameters, "patch_embedding", o.token_width(), o.width,
                       {.weight = patch_init(o), .hidden = false}),
      text_encoder_(parameters, "text_encoder", o),
      text_embedding_0_(parameters, "text_embedding.0", o.text_width, o.width),
      text_embedding_2_(parameters, "text_embedding.2", o.width, o.width),
      time_embedding_(parameters, o.width),
      blocks_(make_blocks(parameters, o, first_parameter_)),
      head_modulation_(
          parameters.add({.name = "head.modulation", .shape = {2, o.width}, .wide = true})),
      head_(parameters, "head.projection", o.width, o.token_width(),
            {.weight = head_init(o), .hidden = false}) {
  if (o.head_mlp_width > 0)
    detail_ = Mlp(parameters, "head.detail", o.width, o.head_mlp_width, o.token_width(),
                  {.weight = Glorot{kDetailGain}, .hidden = false});
}

TokenLayout Dit::layout(const Packing& packing) const {
  const Tensor& weight = patch_embedding_.weight.value();
  const std::int64_t head_width = options_.width / options_.heads;
  TokenLayout layout(packing, RopeAxes::of_head_width(head_width, options_.rope_theta),
                     weight.dtype(), weight.device());
  if (options_.sine_positions)
    layout.sines = sine_positions(packing, options_.width, weight.dtype()).to(weight.device());
  return layout;
}

EncodedText Dit::encode_text(const PackedText& text) const {
  const Tensor ids = text.ids.to(patch_embedding_.weight.value().device());
  const Var hidden = text_embedding_0_.product(text_encoder_(ids, text.packing));
  return {text_embedding_2_(bias_gelu(hidden, text_embedding_0_.bias)), text.packing, {}};
}

void Dit::precompute_keys(EncodedText& text) const {
  text.keys.clear();
  for (const DitBlock& block : blocks_)
    text.keys.push_back(block.cross_attention.keys(text.states));
}

Var Dit::operator()(const Tensor& tokens, const Tensor& times, const EncodedText& text,
                    const TokenLayout& layout) const {
  const DType compute = patch_embedding_.weight.value().dtype();
  const Device device = tokens.device();
  const auto [time, time_rows] = time_embedding_(times);

  Var x = patch_embedding_(Var::constant(tokens.to(compute)));
  if (layout.sines.defined()) x = add(x, Var::constant(layout.sines));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const bool known = !text.keys.empty();
    const auto run = [&block = blocks_[i], known, layout, texts = text.packing](Inputs in) {
      const Var keys = known ? in[1] : block.cross_attention.keys(in[1]);
      return block(in[0], keys, in[2], layout, texts);
    };
    const std::vector<Var> inputs = {x, known ? text.keys[i] : text.states, time_rows};
    x = options_.recompute ? recompute(run, inputs, parameters_of_block(i)) : run(inputs);
  }
  const Var table = modulation_table(time, head_modulation_);
  const Var normed = norm_modulate(x, table, 0, 1, layout.clips, options_.eps);
  Var out = head_.unrounded(normed);
  if (detail_) out = add(out, detail_->unrounded(normed));
  if (options_.prediction == Prediction::kVelocity) return out;
  const DType wide = accumulator_of(compute);
  return velocity_of_clean(out, tokens.to(wide), times.to(wide).to(device), layout.clips);
}

std::vector<Var> Dit::parameters_of_block(std::size_t block) const {
  std::vector<Var> vars;
  for (std::size_t i = first_parameter_[block]; i < first_parameter_[block + 1]; ++i)
    vars.push_back(parameters_.list()[i].var);
  return vars;
}

}  // namespace muybridge
