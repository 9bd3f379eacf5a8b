#include "data/synthetic/synthetic.h"

#include "core/error.h"
#include "data/synthetic/synthetic_canvas.h"

namespace muybridge {

const std::vector<NamedColor> kColors = {
    {"red", {235, 45, 45}},     {"green", {45, 205, 75}},   {"blue", {50, 85, 240}},
    {"yellow", {240, 220, 50}}, {"purple", {175, 60, 215}}, {"white", {240, 240, 240}},
};

std::string_view name_of(CorpusKind kind) {
  return kind == CorpusKind::kShapes ? "shapes" : "physics";
}

std::optional<CorpusKind> corpus_kind(std::string_view name) {
  for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

SyntheticClip synthesize(CorpusKind kind, const SyntheticOptions& options, std::uint64_t seed,
                         Split split, std::uint64_t number) {
  constexpr int kLeast = 16, kMost = 4096;
  if (options.width < kLeast || options.height < kLeast || options.width > kMost ||
      options.height > kMost || options.frames < 1 || options.frames > kMost ||
      !(options.fps > 0)) {
    fail(ExitCode::kUsage,
         "a clip of {} frames of {}x{} at {} fps; sides must be {} to {}, frames 1 to {}",
         options.frames, options.width, options.height, options.fps, kLeast, kMost, kMost);
  }
  const auto stream = 2 * static_cast<std::uint64_t>(kind) + static_cast<std::uint64_t>(split);
  const Draws draws(RandomStream(seed, Purpose::kSynthetic, number, stream));
  return kind == CorpusKind::kShapes ? make_shapes_clip(options, draws)
                                     : make_physics_clip(options, draws);
}

std::vector<std::string> evaluation_prompts(CorpusKind kind) {
  return kind == CorpusKind::kShapes ? shapes_prompts() : physics_prompts();
}

}  // namespace muybridge
