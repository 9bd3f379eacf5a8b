#pragma once

#include <functional>
#include <vector>

#include "model/dit_parts.h"

namespace muybridge {

// T tokens  P token width  S text tokens  C clips  D width

// A text-to-video diffusion transformer with the blocks of Wan2.1, over packed clips, or what a
// rank holds of one. Its parts are open, so that a layout of ranks can share them
// (model/dit_parallel.h); where nobody did, one rank has all rows and all heads.
struct Dit {
  DitOptions options;
  Conditioning conditioning;
  std::vector<DitChunk> chunks;  // ascending; one of all blocks, or those of a pipeline stage
  RowShare rows;                 // of a batch's tokens, this rank's
  // Takes a stream through the chunks of all ranks, this one's by run(chunk, stream), and gives the
  // last one's result to all. `stream` and `result` say what they fit. Empty: all chunks are here.
  using RunChunk = std::function<Tensor(int chunk, const Tensor& stream)>;
  std::function<Tensor(const RunChunk& run, const Tensor& stream, const Tensor& result)> walk;
  // This rank's rows of a result -> all rows, on every rank. Empty: it has them.
  std::function<Tensor(const Tensor&)> gather_rows;

  // Adds its parameters; the caller allocates them. No ranges: all blocks in one chunk.
  Dit(Parameters& parameters, const DitOptions& options,
      const std::vector<BlockRange>& ranges = {});

  // Where its parameters lie. Tokens come from there; times, which are few, from anywhere.
  Device device() const;
  TokenLayout layout(const Packing& packing) const;

  EncodedText encode_text(const PackedText& text) const { return conditioning.encode_text(text); }
  // Makes the keys of all blocks once: for a sampler, whose text stays while the time changes.
  void precompute_keys(EncodedText& text) const;
  // The velocity of this rank's rows at times [C] in [0, 1] (1 is noise): tokens [T, P] -> [T, P],
  // in f32 (f64) as the sums of the head's product have it. Slack rows come out unspecified. Only
  // where all chunks are here.
  Var operator()(const Tensor& tokens_TP, const Tensor& times_C, const EncodedText& text,
                 const TokenLayout& layout) const;
  // The same wherever the chunks are, on every rank of them; no gradients.
  Tensor own_velocity(const Tensor& tokens_TP, const Tensor& times_C, const EncodedText& text,
                      const TokenLayout& layout) const;
  // The same of all rows, on every rank.
  Tensor velocity(const Tensor& tokens_TP, const Tensor& times_C, const EncodedText& text,
                  const TokenLayout& layout) const;
};

}  // namespace muybridge
