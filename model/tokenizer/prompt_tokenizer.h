#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "model/tokenizer/unigram_tokenizer.h"

namespace muybridge {

struct PromptTokens {
  std::vector<std::int32_t> ids;  // the last one ends the text
  std::int64_t cut = 0;           // tokens of the text that were too many
};

// As T5's tokenizers of the transformers library: the ids of a text, then that of "</s>".
class PromptTokenizer {
 public:
  // Of a folder's tokenizer.json, which is what that library reads where it is there, or else its
  // spiece.model. Throws as they do, and Error(kUsage) where there is neither.
  static PromptTokenizer open(const std::filesystem::path& folder);
  PromptTokenizer(PieceModel model, const std::string& where);

  std::int64_t vocabulary() const { return std::ssize(unigram_.model().pieces); }
  std::int32_t end_id() const { return end_; }
  const std::string& where() const { return where_; }

  // Of the text as it is (see clean_prompt), cut at its end to `most` tokens with the last one.
  PromptTokens encode(std::string_view text, std::int64_t most) const;

 private:
  UnigramTokenizer unigram_;
  std::string where_;
  std::int32_t end_;
};

}  // namespace muybridge
