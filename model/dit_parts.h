#pragma once

#include <optional>
#include <vector>

#include "model/dit_block.h"
#include "model/dit_options.h"
#include "model/text_encoder.h"
#include "model/time_embedding.h"

namespace muybridge {

// T tokens  P token width  S text tokens  C clips  D width

// Captions as the blocks attend to them.
struct EncodedText {
  Var states;  // [S, D]
  Packing packing;
  std::vector<Var> keys;  // of each block, see CrossAttention::keys; empty: each makes its own
};

// What all blocks and the head are told about their clips.
struct Condition {
  Var time;       // [C, D]
  Var time_rows;  // [C, 6 D]
  EncodedText text;
};

// Makes conditions of times and captions.
struct Conditioning {
  ByteTextEncoder text_encoder;
  Linear text_embedding_0, text_embedding_2;
  TimeEmbedding time_embedding;

  Conditioning(Parameters& parameters, const DitOptions& options);
  EncodedText encode_text(const PackedText& text) const;
  Condition operator()(const Tensor& times_C, const EncodedText& text) const;
};

// Noisy tokens as the model gets them, f32 (f64), with the times of their clips.
struct NoisyClips {
  Tensor tokens;  // [T, P]
  Tensor times;   // [C] in [0, 1], 1 is noise
};

// Patches to the stream of tokens.
struct PatchEmbedding {
  Linear linear;

  PatchEmbedding(Parameters& parameters, const DitOptions& options);
  Var operator()(const Tensor& tokens_TP, const TokenLayout& layout) const;
};

// The stream of tokens to velocities, f32 (f64) as the sums of the last product have them. Slack
// rows come out unspecified.
struct DitHead {
  Var modulation;  // [2, D]
  Linear linear;
  std::optional<Mlp> detail;  // added to what the linear layer gives
  Prediction prediction;
  double eps;

  DitHead(Parameters& parameters, const DitOptions& options);
  Var operator()(const Var& x_TD, const Condition& condition, const NoisyClips& input,
                 const TokenLayout& layout) const;
};

// Blocks [begin, end) of a model.
struct BlockRange {
  int begin = 0;
  int end = 0;
  bool operator==(const BlockRange&) const = default;
};

// Consecutive blocks, before the first of the model its patch embedding, behind the last its head.
struct DitChunk {
  BlockRange range;
  std::optional<PatchEmbedding> embedding;
  std::vector<DitBlock> blocks;
  std::optional<DitHead> head;

  DitChunk(Parameters& parameters, const DitOptions& options, const BlockRange& chunk);
  // `stream` [T, D] is that from the chunk before, and is not looked at by the first. The last
  // returns velocities, the others the stream.
  Var operator()(const Var& stream, const Condition& condition, const NoisyClips& input,
                 const TokenLayout& layout) const;

 private:
  bool recompute_;                            // blocks as a whole
  std::vector<std::vector<Var>> parameters_;  // of each block
};

}  // namespace muybridge
