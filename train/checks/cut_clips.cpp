#include "train/checks/cut_clips.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/log.h"
#include "data/loader/patchify.h"
#include "train/model_options.h"

namespace muybridge {

CutClips count_cut_clips(const CorpusIndex& corpus, const TrainConfig& config) {
  const LoaderOptions options = loader_options(config);
  const Grid patch = options.patch;
  CutClips result;
  for (std::int64_t i = 0; i < std::ssize(corpus.clips()); ++i) {
    const CorpusClip& clip = corpus.clips()[static_cast<std::size_t>(i)];
    const int most = config.data.frames_max;
    const int frames = most > 0 ? std::min(clip.frames, most) : clip.frames;
    const int used = frames_used(clip.frames, options);
    const Grid grid = patch_grid(used, clip.height, clip.width, patch);
    const auto seen_frames = std::min<std::int64_t>(used, grid.frames * patch.frames);
    const auto height = grid.height * patch.height, width = grid.width * patch.width;
    if (grid.tokens() == 0 ||
        (seen_frames == frames && height == clip.height && width == clip.width))
      continue;
    if (++result.cut > 1) continue;
    result.first = i;
    result.sizes = fmt::format("{} frames of {}x{} -> {} of {}x{}", frames, clip.width, clip.height,
                               seen_frames, width, height);
  }
  return result;
}

void warn_of_cut_clips(const TrainConfig& config) {
  const std::filesystem::path folder = config.data.train;
  if (!std::filesystem::exists(folder / "index.json")) return;
  const CorpusIndex corpus = CorpusIndex::open(folder);
  const CutClips found = count_cut_clips(corpus, config);
  if (found.cut == 0) return;
  if (is_autoencoder(config)) {
    const LoaderOptions options = loader_options(config);
    log_warning(
        "{} of {} clips are no whole number of latents, of {}x{} pixels and of {} frames behind "
        "the first, and what is over is never learned; the first is {}: {}. Prepare with a --size "
        "that fits, --min-frames {} and --frame-step {}, or set data.frames_max to one more than a "
        "multiple of {}",
        found.cut, corpus.clips().size(), options.patch.width, options.patch.height,
        options.frame_step, corpus.name_of_clip(found.first), found.sizes, 1 + options.frame_step,
        options.frame_step, options.frame_step);
    return;
  }
  const auto& patch = config.model.patch;
  log_warning(
      "{} of {} clips are no whole number of patches of {} frames of {}x{}, and what is over is "
      "never learned; the first is {}: {}. Prepare with a --size that fits, --min-frames {} and "
      "--frame-step {}, or change model.patch",
      found.cut, corpus.clips().size(), patch[0], patch[2], patch[1],
      corpus.name_of_clip(found.first), found.sizes, 2 * patch[0], patch[0]);
}

}  // namespace muybridge
