#include "eval/scoring/caption.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace muybridge {
namespace {

std::vector<std::string> split_words(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    plain += std::isalpha(byte) ? static_cast<char>(std::tolower(byte)) : ' ';
  }
  std::istringstream stream(plain);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_color(const std::string& word) {
  return std::any_of(kColors.begin(), kColors.end(),
                     [&](const NamedColor& color) { return color.name == word; });
}

// Sets a word that may be said once; false if it was said already.
bool say(std::string& slot, const std::string& word) {
  if (!slot.empty()) return false;
  slot = word;
  return true;
}
bool say(int& slot, int direction) {
  if (slot != 0) return false;
  slot = direction;
  return true;
}

bool read_word(Claim& claim, const std::string& word) {
  if (word == "circle" || word == "square" || word == "triangle" || word == "ball") {
    return say(claim.shape, word);
  }
  if (word == "left") return say(claim.x, -1);
  if (word == "right") return say(claim.x, 1);
  if (word == "up") return say(claim.y, -1);
  if (word == "down") return say(claim.y, 1);
  return true;
}

// A shape moves along one axis; a ball is thrown up, sideways, both, or is dropped.
bool complete(const Claim& claim) {
  if (claim.color.empty() || claim.shape.empty()) return false;
  return claim.shape == "ball" || (claim.x == 0) != (claim.y == 0);
}

}  // namespace

std::optional<Claims> read_caption(std::string_view caption) {
  std::vector<Claim> things;
  bool dropped = false;
  for (const std::string& word : split_words(caption)) {
    if (is_color(word)) {
      things.push_back({.color = word, .shape{}});
    } else {
      dropped |= word == "dropped" || word == "falling";
      Claim nobody;
      Claim& claim = things.empty() ? nobody : things.back();
      if (!read_word(claim, word)) return std::nullopt;
    }
  }
  if (things.empty() || things.size() > 2) return std::nullopt;
  if (!std::all_of(things.begin(), things.end(), complete)) return std::nullopt;
  const auto is_ball = [](const Claim& claim) { return claim.shape == "ball"; };
  if (std::none_of(things.begin(), things.end(), is_ball)) {
    if (things.size() == 2 && things[0].color == things[1].color) return std::nullopt;
    return Claims{CorpusKind::kShapes, things};
  }
  Claim& ball = things.front();
  if (things.size() != 1) return std::nullopt;
  if (!dropped && ball.x == 0 && ball.y == 0) return std::nullopt;  // not said how it is thrown
  if (ball.y == 0) ball.y = 1;  // what is not thrown up falls from the start
  return Claims{CorpusKind::kPhysics, things};
}

}  // namespace muybridge
