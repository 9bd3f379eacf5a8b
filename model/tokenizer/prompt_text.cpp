#include "model/tokenizer/prompt_text.h"

#include "model/tokenizer/characters.h"
#include "model/tokenizer/html_text.h"

namespace muybridge {

std::string clean_prompt(std::string_view text) {
  std::string unescaped = unescape_html(unescape_html(text));
  // The separators of files, groups, records and units are white space to Python alone.
  for (char& byte : unescaped)
    if (byte >= '\x1C' && byte <= '\x1F') byte = ' ';
  std::string cleaned;
  for (const std::string_view word : words_of(unescaped)) {
    if (!cleaned.empty()) cleaned += ' ';
    cleaned += word;
  }
  return cleaned;
}

}  // namespace muybridge
