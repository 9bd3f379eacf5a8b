#include "model/tokenizer/character_map.h"

#include <cstring>

#include "core/error.h"
#include "model/tokenizer/characters.h"

namespace muybridge {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// A unit of the array: the byte that leads to it, where those behind it lie, whether a key ends
// here; that key's value is a unit itself.
bool leads_by(std::uint32_t unit, std::uint8_t byte) { return (unit & 0x800000FFU) == byte; }
bool ends_key(std::uint32_t unit) { return ((unit >> 8) & 1U) != 0; }
std::size_t offset(std::uint32_t unit) { return std::size_t{unit >> 10} << ((unit & 0x200U) >> 6); }
std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }

}  // namespace

CharacterMap::CharacterMap(std::string_view bytes, std::string where) : where_(std::move(where)) {
  if (bytes.empty()) return;
  std::uint32_t array_bytes = 0;
  const bool has_size = bytes.size() >= sizeof array_bytes;
  if (has_size) std::memcpy(&array_bytes, bytes.data(), sizeof array_bytes);
  const std::size_t rest = has_size ? bytes.size() - sizeof array_bytes : 0;
  if (array_bytes == 0 || array_bytes % sizeof(std::uint32_t) != 0 || array_bytes > rest)
    fail(ExitCode::kCorrupt, "{}: the map of characters is damaged: an array of {} bytes in {}",
         where_, array_bytes, bytes.size());
  units_.resize(array_bytes / sizeof(std::uint32_t));
  std::memcpy(units_.data(), bytes.data() + sizeof array_bytes, array_bytes);
  texts_ = bytes.substr(sizeof array_bytes + array_bytes);
  if (texts_.empty() || texts_.back() != '\0')
    fail(ExitCode::kCorrupt, "{}: the map of characters is damaged: its last text has no end",
         where_);
}

std::uint32_t CharacterMap::unit(std::size_t at) const {
  if (at >= units_.size())
    fail(ExitCode::kCorrupt, "{}: the map of characters is damaged: unit {} of {}", where_, at,
         units_.size());
  return units_[at];
}

std::string_view CharacterMap::replacement(std::uint32_t at) const {
  if (at >= texts_.size())
    fail(ExitCode::kCorrupt, "{}: the map of characters is damaged: text {} of {} bytes", where_,
         at, texts_.size());
  return texts_.c_str() + at;  // the last one has an end
}

CharacterMap::Prefix CharacterMap::next(std::string_view text) const {
  Prefix longest;
  if (!units_.empty()) {
    std::size_t at = offset(unit(0));
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<std::uint8_t>(text[i]);
      at ^= byte;
      const std::uint32_t here = unit(at);
      if (!leads_by(here, byte)) break;
      at ^= offset(here);
      if (ends_key(here)) longest = {replacement(value(unit(at))), i + 1};
    }
  }
  if (longest.length > 0) return longest;
  const std::size_t length = first_character(text.substr(0, 4)).bytes;
  return length > 0 ? Prefix{text.substr(0, length), length} : Prefix{kReplacement, 1};
}

std::string CharacterMap::apply(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    const Prefix prefix = next(text);
    result += prefix.text;
    text.remove_prefix(prefix.length);
  }
  return result;
}

}  // namespace muybridge
