#include "model/tokenizer/unigram_tokenizer.h"

#include <algorithm>
#include <limits>
#include <span>

#include "model/tokenizer/characters.h"

namespace muybridge {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581

// By how much an unknown character is worse than the worst piece.
constexpr float kUnknownPenalty = 10;

// As the first byte says, whatever follows.
std::size_t character_bytes(char first) {
  const auto byte = static_cast<std::uint8_t>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// How the best way to a place of the text ends.
struct Step {
  std::int32_t id = -1;  // none leads here
  std::size_t begin = 0;
  double score = 0;
};

}  // namespace

UnigramTokenizer::UnigramTokenizer(PieceModel model, const std::string& where)
    : model_(std::move(model)), characters_(model_.characters, where) {
  require_valid(model_, where);
  least_ = std::numeric_limits<float>::max();
  most_ = std::numeric_limits<float>::lowest();
  for (std::size_t i = 0; i < model_.pieces.size(); ++i) {
    const Piece& piece = model_.pieces[i];
    const auto id = static_cast<std::int32_t>(i);
    if (piece.kind == Piece::Kind::kUnknown) unknown_ = id;
    if (piece.kind == Piece::Kind::kUserDefined) user_defined_.push_back(id);
    if (piece.kind == Piece::Kind::kNormal || piece.kind == Piece::Kind::kUserDefined)
      sorted_.push_back(id);
    if (piece.kind != Piece::Kind::kNormal) continue;
    least_ = std::min(least_, piece.score);
    most_ = std::max(most_, piece.score);
  }
  std::ranges::sort(sorted_, {}, [this](std::int32_t id) -> const std::string& {
    return model_.pieces[static_cast<std::size_t>(id)].text;
  });
  for (int byte = 0; model_.byte_fallback && byte < 256; ++byte)
    bytes_.push_back(find_piece(model_, text_of_byte(static_cast<std::uint8_t>(byte))));
}

UnigramTokenizer::Range UnigramTokenizer::narrow(Range range, std::size_t depth,
                                                 std::uint8_t byte) const {
  // Texts that end here come first.
  const auto next = [&](std::int32_t id) {
    const std::string& text = model_.pieces[static_cast<std::size_t>(id)].text;
    return text.size() > depth ? int{static_cast<std::uint8_t>(text[depth])} : -1;
  };
  const auto all = std::span(sorted_).subspan(range.begin, range.end - range.begin);
  const auto place = [&](auto found) {
    return range.begin + static_cast<std::size_t>(found - all.begin());
  };
  return {place(std::ranges::lower_bound(all, int{byte}, {}, next)),
          place(std::ranges::upper_bound(all, int{byte}, {}, next))};
}

double UnigramTokenizer::score_of(std::int32_t id, std::size_t bytes) const {
  const Piece& piece = model_.pieces[static_cast<std::size_t>(id)];
  // What a user defined is always taken.
  return piece.kind == Piece::Kind::kUserDefined ? static_cast<float>(bytes) * most_ - 0.1
                                                 : piece.score;
}

void UnigramTokenizer::append(std::int32_t id, std::string_view text, bool follows_unknown,
                              std::vector<std::int32_t>& ids) const {
  if (id != unknown_) return ids.push_back(id);
  for (const char byte : text)
    if (!bytes_.empty()) ids.push_back(bytes_[static_cast<std::uint8_t>(byte)]);
  if (bytes_.empty() && !follows_unknown) ids.push_back(unknown_);
}

void UnigramTokenizer::cut(std::string_view text, std::vector<std::int32_t>& ids) const {
  std::vector<Step> best(text.size() + 1);
  const auto improve = [&](std::size_t begin, std::size_t end, std::int32_t id, double score) {
    const double sum = score + best[begin].score;
    if (best[end].id < 0 || sum > best[end].score)
      best[end] = {id, begin,
                   model_.words_apart ? sum : static_cast<double>(static_cast<float>(sum))};
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t character = std::min(character_bytes(text[begin]), text.size() - begin);
    bool is_covered = false;
    Range range{0, sorted_.size()};
    for (std::size_t end = begin; end < text.size() && range.begin < range.end;) {
      range = narrow(range, end - begin, static_cast<std::uint8_t>(text[end]));
      ++end;
      if (range.begin == range.end) break;
      const std::int32_t id = sorted_[range.begin];
      const std::size_t bytes = end - begin;
      if (model_.pieces[static_cast<std::size_t>(id)].text.size() != bytes) continue;
      improve(begin, end, id, score_of(id, bytes));
      is_covered |= bytes == character;
    }
    if (!is_covered) improve(begin, begin + character, unknown_, double{least_ - kUnknownPenalty});
    begin += character;
  }
  std::vector<std::size_t> ends;
  for (std::size_t end = text.size(); end > 0; end = best[end].begin) ends.push_back(end);
  bool follows_unknown = false;
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    const Step& step = best[*end];
    append(step.id, text.substr(step.begin, *end - step.begin), follows_unknown, ids);
    follows_unknown = step.id == unknown_;
  }
}

std::size_t UnigramTokenizer::user_defined_prefix(std::string_view text) const {
  std::size_t longest = 0;
  for (const std::int32_t id : user_defined_)
    if (const std::string& piece = model_.pieces[static_cast<std::size_t>(id)].text;
        text.starts_with(piece))
      longest = std::max(longest, piece.size());
  return longest;
}

std::string UnigramTokenizer::normalize(std::string_view text) const {
  const auto next = [this](std::string_view rest) {
    const std::size_t known = user_defined_prefix(rest);
    return known > 0 ? CharacterMap::Prefix{rest.substr(0, known), known} : characters_.next(rest);
  };
  const bool removes = model_.remove_extra_spaces;
  while (removes && !text.empty()) {
    const CharacterMap::Prefix prefix = next(text);
    if (prefix.text != " ") break;
    text.remove_prefix(prefix.length);
  }
  if (text.empty()) return {};
  std::string result(model_.add_dummy_prefix ? kSpace : "");
  bool follows_space = removes;
  while (!text.empty()) {
    const CharacterMap::Prefix prefix = next(text);
    std::string_view part = prefix.text;
    while (follows_space && part.starts_with(' ')) part.remove_prefix(1);
    if (!part.empty()) follows_space = part.ends_with(' ');
    follows_space = follows_space && removes;
    for (const char byte : part) byte == ' ' ? result.append(kSpace) : result.append(1, byte);
    text.remove_prefix(prefix.length);
  }
  while (removes && result.ends_with(kSpace)) result.resize(result.size() - kSpace.size());
  return result;
}

void UnigramTokenizer::cut_words(std::string_view text, std::vector<std::int32_t>& ids) const {
  const std::string normal = characters_.apply(text);
  for (const std::string_view word : words_of(normal)) {
    std::string spaced(word.starts_with(kSpace) ? "" : kSpace);
    spaced += word;
    std::string_view rest = spaced;
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, rest.find(kSpace, 1));
      cut(part, ids);
      rest.remove_prefix(part.size());
    }
  }
}

std::vector<std::int32_t> UnigramTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  if (model_.words_apart)
    cut_words(text, ids);
  else
    cut(normalize(text), ids);
  return ids;
}

}  // namespace muybridge
