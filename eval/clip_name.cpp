#include "eval/clip_name.h"

#include <fmt/format.h>

#include "core/system/file.h"

namespace muybridge {
namespace {

constexpr std::size_t kMostWords = 56;  // bytes

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Lower-case words with '-' between them; `lost` where letters of other scripts are left out.
std::string words_of(std::string_view prompt, bool& lost) {
  std::string words;
  for (const char c : prompt) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (is_plain(lower))
      words += lower;
    else if (static_cast<unsigned char>(c) >= 0x80)
      lost = true;
    else if (!words.empty() && words.back() != '-')
      words += '-';
  }
  while (words.ends_with('-')) words.pop_back();
  return words;
}

}  // namespace

std::string clip_stem(std::string_view prompt, std::uint64_t seed) {
  bool lost = false;
  std::string words = words_of(prompt, lost);
  if (words.size() > kMostWords) {
    lost = true;
    const std::size_t end = words.rfind('-', kMostWords);  // none: one endless word
    words.resize(end == std::string::npos ? kMostWords : end);
  }
  if (words.empty()) words = "clip";
  if (lost)
    words = fmt::format("{}-{}", words, hash_bytes(prompt.data(), prompt.size()).substr(0, 6));
  return fmt::format("{}-seed-{}", words, seed);
}

}  // namespace muybridge
