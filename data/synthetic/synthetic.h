#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/media/frames.h"

// Corpora whose every caption can be checked against the pictures: what the demo trains on and
// what the scores measure.
namespace muybridge {

enum class CorpusKind {
  kShapes,   // one or two coloured shapes, each moving in one direction
  kPhysics,  // a ball thrown or dropped, falling and bouncing under one gravity
};
std::string_view name_of(CorpusKind kind);
std::optional<CorpusKind> corpus_kind(std::string_view name);

struct SyntheticOptions {
  int width = 64;
  int height = 64;
  int frames = 16;
  double fps = 8.0;
  double two_shapes = 0.2;  // share of shapes clips that show two
};

struct SyntheticClip {
  Frames frames;
  std::string caption;
};

// Splits draw from different streams: no clip of one is in the other.
enum class Split { kTrain, kValidation };

// A pure function of its arguments; anybody may render any clip, in any order.
SyntheticClip synthesize(CorpusKind kind, const SyntheticOptions& options, std::uint64_t seed,
                         Split split, std::uint64_t number);

// Acceleration of every ball of the physics corpus, in clip heights per second squared.
inline constexpr double kGravity = 2.0;

struct NamedColor {
  std::string_view name;
  std::uint8_t rgb[3];
};
// The colours of both corpora: far apart also after H.264.
extern const std::vector<NamedColor> kColors;

// One caption for every combination that a corpus has: 6 colours x 3 shapes x 4 directions = 72 for
// shapes, 6 colours x 6 throws = 36 for physics.
std::vector<std::string> evaluation_prompts(CorpusKind kind);

}  // namespace muybridge
