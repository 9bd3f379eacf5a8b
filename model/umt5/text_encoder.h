#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/parameters.h"
#include "model/tokenizer/prompt_tokenizer.h"
#include "model/umt5/umt5_encoder.h"

namespace muybridge {

struct EncodedText {
  Tensor states;         // [tokens, width], of the encoder's type, where it is
  std::int64_t cut = 0;  // tokens that were too many
};

// A public text encoder with its tokenizer: texts to states.
class TextEncoder {
 public:
  struct Options {
    DType dtype = DType::kBF16;
    Device device = Device::kCpu;
    std::int64_t most_tokens = 512;  // of a text, with the one that ends it, as Wan2.1 has it
  };

  // A folder of the diffusers library's: `text_encoder` with config.json and weights (one file or
  // shards), `tokenizer` with tokenizer.json or spiece.model. Throws as their readers do, and
  // Error(kUsage) where the tokenizer has more tokens than the model, or ends texts with another.
  static TextEncoder open(const std::filesystem::path& folder, const Options& options);

  std::int64_t width() const { return encoder_.options.width; }

  // Cleaned as prompts are (prompt_text.h), then encoded in one packed batch.
  std::vector<EncodedText> encode(const std::vector<std::string>& texts) const;

 private:
  TextEncoder(const std::filesystem::path& folder, const Options& options);

  Options options_;
  PromptTokenizer tokenizer_;
  Parameters parameters_;
  Umt5Encoder encoder_;
};

}  // namespace muybridge
