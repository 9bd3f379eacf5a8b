#include "model/umt5/text_encoder.h"

#include "core/error.h"
#include "model/safetensors_shards.h"
#include "model/tokenizer/prompt_text.h"
#include "model/umt5/weights.h"

namespace muybridge {

TextEncoder TextEncoder::open(const std::filesystem::path& folder, const Options& options) {
  return TextEncoder(folder, options);
}

TextEncoder::TextEncoder(const std::filesystem::path& folder, const Options& options)
    : options_(options),
      tokenizer_(PromptTokenizer::open(folder / "tokenizer")),
      encoder_(parameters_, "", read_umt5_options(folder / "text_encoder" / "config.json")) {
  const Umt5Options& model = encoder_.options;
  if (tokenizer_.vocabulary() > model.vocabulary)
    fail(ExitCode::kUsage, "{}: {} tokens, the model in {} has {}; they do not belong together",
         tokenizer_.where(), tokenizer_.vocabulary(), folder.string(), model.vocabulary);
  if (tokenizer_.end_id() != model.end_id)
    fail(ExitCode::kUsage, "{}: texts end with token {}, those of the model in {} with {}",
         tokenizer_.where(), tokenizer_.end_id(), folder.string(), model.end_id);
  parameters_.freeze();
  const SafetensorsShards files(folder / "text_encoder");
  const Umt5Weights weights(files, parameters_);
  parameters_.allocate(options.dtype, /*seed=*/0, options.device);
  weights.read();
}

std::vector<EncodedText> TextEncoder::encode(const std::vector<std::string>& texts) const {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> lengths;
  std::vector<EncodedText> encoded;
  for (const std::string& text : texts) {
    const PromptTokens tokens = tokenizer_.encode(clean_prompt(text), options_.most_tokens);
    ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
    lengths.push_back(std::ssize(tokens.ids));
    encoded.push_back({.states = {}, .cut = tokens.cut});
  }
  if (texts.empty()) return encoded;
  const NoGradScope no_grad;
  const PackedText packed{.ids = Tensor::of<std::int32_t>({std::ssize(ids)}, ids),
                          .packing = Packing::of_lengths(lengths)};
  const Tensor states = encoder_(packed).value();
  for (std::size_t i = 0; i < texts.size(); ++i)
    encoded[i].states = states.rows(packed.packing.offsets[i], lengths[i]).clone();
  return encoded;
}

}  // namespace muybridge
