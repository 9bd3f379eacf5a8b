#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/attention.h"
#include "model/dit_options.h"
#include "model/mlp.h"

namespace muybridge {

// Text without a vocabulary to download: the 256 bytes of UTF-8 and kTextBegin.
inline constexpr std::int64_t kByteVocabulary = 257;

// Captions laid end to end.
struct PackedText {
  Tensor ids;  // i32 [packing.rows]
  Packing packing;
};

// Each caption is cut to `max_bytes`, between characters. An empty one is just its start. Rows are
// a multiple of kTextRowStep.
PackedText pack_captions(const std::vector<std::string>& captions, std::size_t max_bytes);

// A transformer over bytes, trained along with the DiT: pre-norm blocks, rotary positions.
struct ByteTextEncoder {
  struct Block {
    Var norm1;
    SelfAttention attention;
    Var norm2;
    Mlp mlp;
    Block(Parameters& parameters, const std::string& name, const DitOptions& options);
  };

  Var embedding;
  std::vector<Block> blocks;
  Var norm;
  RopeAxes axes;
  double eps;
  RowShare rows;  // of a batch's text, this rank's

  ByteTextEncoder(Parameters& parameters, const std::string& name, const DitOptions& options);
  // The text with as many rows of slack as the ranks that share it need.
  PackedText fit(const PackedText& text) const;
  // This rank's rows of the text's states, [L, text width]. The text fits.
  Var operator()(const PackedText& text) const;
};

}  // namespace muybridge
