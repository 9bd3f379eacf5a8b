#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/character_map.h"
#include "model/tokenizer/piece_model.h"

namespace muybridge {

// Cuts texts into the pieces whose scores have the largest sum (Viterbi), as SentencePiece and the
// tokenizers library do it. What no piece covers is the unknown piece, once for all that stands
// together, or its bytes. The names of control pieces in a text, such as "</s>", are text.
class UnigramTokenizer {
 public:
  UnigramTokenizer(PieceModel model, const std::string& where);

  const PieceModel& model() const { return model_; }
  std::vector<std::int32_t> encode(std::string_view text) const;

 private:
  // Pieces of `sorted_` that begin alike.
  struct Range {
    std::size_t begin, end;
  };
  // Those of them that go on with `byte` behind `depth` bytes.
  Range narrow(Range range, std::size_t depth, std::uint8_t byte) const;

  std::string normalize(std::string_view text) const;
  std::size_t user_defined_prefix(std::string_view text) const;
  // Appends the ids of a text that is normalized.
  void cut(std::string_view text, std::vector<std::int32_t>& ids) const;
  void cut_words(std::string_view text, std::vector<std::int32_t>& ids) const;
  double score_of(std::int32_t id, std::size_t bytes) const;
  void append(std::int32_t id, std::string_view text, bool follows_unknown,
              std::vector<std::int32_t>& ids) const;

  PieceModel model_;
  CharacterMap characters_;
  std::vector<std::int32_t> sorted_;  // ids of pieces that are looked for, by their text
  std::vector<std::int32_t> user_defined_;
  std::vector<std::int32_t> bytes_;  // by value, where there is a fallback
  std::int32_t unknown_ = 0;
  float least_ = 0, most_ = 0;  // scores of normal pieces
};

}  // namespace muybridge
