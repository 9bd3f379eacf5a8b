#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/synthetic/synthetic.h"

namespace muybridge {

// What a caption says of one thing in the picture.
struct Claim {
  std::string color;
  std::string shape;  // "circle", "square", "triangle", "ball"
  int x = 0;          // where it moves first: -1 left, 1 right
  int y = 0;          // -1 up, 1 down
  bool operator==(const Claim&) const = default;
};

struct Claims {
  CorpusKind kind;
  std::vector<Claim> things;  // one or two; two have different colours
};

// Reads a caption of the synthetic corpora. nullopt for any other text, also where one of the
// words that tell colour, shape and direction is missing or there twice.
std::optional<Claims> read_caption(std::string_view caption);

}  // namespace muybridge
