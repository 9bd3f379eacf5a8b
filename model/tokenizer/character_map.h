#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// What becomes of characters before a text is cut into pieces, such as Unicode's NFKC: the
// `precompiled_charsmap` of SentencePiece. That is u32 bytes of a double array, the array (Darts: a
// trie in u32 units), and texts that end with a zero each, to which the trie's values point.
class CharacterMap {
 public:
  CharacterMap() = default;  // texts stay as they are
  // Throws Error(kCorrupt) where the parts do not fit each other. Units that point outside of the
  // array, or values outside of the texts, are found when a text leads there.
  CharacterMap(std::string_view bytes, std::string where);

  struct Prefix {
    std::string_view text;   // what stands there instead
    std::size_t length = 0;  // bytes of the input
  };
  // The longest beginning of `text` that there is a rule for, or else its first character as it is.
  // What is not well-formed UTF-8 becomes U+FFFD, a byte at a time. `text` is not empty.
  Prefix next(std::string_view text) const;

  std::string apply(std::string_view text) const;

 private:
  std::uint32_t unit(std::size_t at) const;
  std::string_view replacement(std::uint32_t at) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;
  std::string where_;
};

}  // namespace muybridge
