#pragma once

#include <string>
#include <string_view>

namespace muybridge {

// What the Wan pipeline of the diffusers library makes of a prompt before its tokenizer sees it,
// where the ftfy library is not installed: character references of HTML, escaped once or twice,
// become characters, and white space becomes single spaces with none at the ends. Not done: what
// ftfy would mend (UTF-8 read as another encoding, curly quotes, ligatures, control characters).
// Wan's own program runs ftfy first, which leaves plain texts as they are.
std::string clean_prompt(std::string_view text);

}  // namespace muybridge
