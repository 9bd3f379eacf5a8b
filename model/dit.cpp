#include "model/dit.h"

#include <algorithm>

namespace muybridge {
namespace {

std::vector<DitChunk> make_chunks(Parameters& parameters, const DitOptions& options,
                                  const std::vector<BlockRange>& ranges) {
  std::vector<DitChunk> chunks;
  chunks.reserve(std::max<std::size_t>(1, ranges.size()));
  for (const BlockRange& range : ranges) chunks.emplace_back(parameters, options, range);
  if (chunks.empty()) chunks.emplace_back(parameters, options, BlockRange{0, options.depth});
  return chunks;
}

}  // namespace

Dit::Dit(Parameters& parameters, const DitOptions& o, const std::vector<BlockRange>& ranges)
    : options(o), conditioning(parameters, o), chunks(make_chunks(parameters, o, ranges)) {}

Device Dit::device() const { return conditioning.text_embedding_0.weight.value().device(); }

TokenLayout Dit::layout(const Packing& packing) const {
  const Tensor& weight = conditioning.text_embedding_0.weight.value();
  const std::int64_t head_width = options.width / options.heads;
  TokenLayout layout(packing, RopeAxes::of_head_width(head_width, options.rope_theta),
                     weight.dtype(), weight.device(), rows);
  if (options.sine_positions)
    layout.sines =
        layout.own_rows(sine_positions(packing, options.width, weight.dtype())).to(weight.device());
  return layout;
}

void Dit::precompute_keys(EncodedText& text) const {
  text.keys.resize(static_cast<std::size_t>(options.depth));
  for (const DitChunk& chunk : chunks)
    for (std::size_t i = 0; i < chunk.blocks.size(); ++i)
      text.keys[static_cast<std::size_t>(chunk.range.begin) + i] =
          chunk.blocks[i].cross_attention.keys(text.states);
}

Var Dit::operator()(const Tensor& tokens, const Tensor& times, const EncodedText& text,
                    const TokenLayout& layout) const {
  const Condition condition = conditioning(times, text);
  Var x;
  for (const DitChunk& chunk : chunks) x = chunk(x, condition, {tokens, times}, layout);
  return x;
}

Tensor Dit::own_velocity(const Tensor& tokens, const Tensor& times, const EncodedText& text,
                         const TokenLayout& layout) const {
  const NoGradScope no_grad;
  if (!walk) return (*this)(tokens, times, text, layout).value();
  const Condition condition = conditioning(times, text);
  const Tensor& states = text.states.value();
  const auto run = [&](int chunk, const Tensor& stream) {
    const Var x = stream.defined() ? Var::constant(stream) : Var();
    return chunks[static_cast<std::size_t>(chunk)](x, condition, {tokens, times}, layout).value();
  };
  return walk(run,
              Tensor::empty({layout.own.length, options.width}, states.dtype(), states.device()),
              Tensor::empty(tokens.shape(), accumulator_of(states.dtype()), states.device()));
}

Tensor Dit::velocity(const Tensor& tokens, const Tensor& times, const EncodedText& text,
                     const TokenLayout& layout) const {
  const Tensor own = own_velocity(layout.own_rows(tokens), times, text, layout);
  return gather_rows ? gather_rows(own) : own;
}

}  // namespace muybridge
