#include "model/tokenizer/prompt_tokenizer.h"

#include <algorithm>
#include <stdexcept>

#include "core/error.h"

namespace muybridge {

PromptTokenizer PromptTokenizer::open(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path json = folder / "tokenizer.json", spiece = folder / "spiece.model";
  if (std::filesystem::exists(json, error))
    return PromptTokenizer(read_tokenizer_json(json), json.string());
  if (std::filesystem::exists(spiece, error))
    return PromptTokenizer(read_sentencepiece_model(spiece), spiece.string());
  fail(ExitCode::kUsage, "{}: neither tokenizer.json nor spiece.model is there", folder.string());
}

PromptTokenizer::PromptTokenizer(PieceModel model, const std::string& where)
    : unigram_(std::move(model), where), where_(where), end_(find_piece(unigram_.model(), "</s>")) {
  if (end_ < 0) fail(ExitCode::kUsage, "{}: no piece '</s>', which ends texts of T5", where);
}

PromptTokens PromptTokenizer::encode(std::string_view text, std::int64_t most) const {
  if (most < 1) throw std::invalid_argument("prompt tokens: the end of the text needs one, too");
  PromptTokens tokens{.ids = unigram_.encode(text)};
  tokens.cut = std::max<std::int64_t>(0, std::ssize(tokens.ids) - (most - 1));
  tokens.ids.resize(tokens.ids.size() - static_cast<std::size_t>(tokens.cut));
  tokens.ids.push_back(end_);
  return tokens;
}

}  // namespace muybridge
