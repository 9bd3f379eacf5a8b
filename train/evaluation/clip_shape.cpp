#include "train/evaluation/clip_shape.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <tuple>

#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr double kRateOfPictures = 8;  // of a corpus that has no rate

// The key that counts most; of those that count as much, the largest.
template <class Key>
Key most_usual(const std::map<Key, std::int64_t>& counts) {
  Key best{};
  std::int64_t most = 0;
  for (const auto& [key, count] : counts)
    if (count >= most) std::tie(best, most) = std::pair(key, count);
  return best;
}

// Clips that can stand for the others: videos to train on, where there are any.
std::vector<std::int64_t> candidates(const CorpusIndex& corpus) {
  std::vector<std::int64_t> clips = corpus.clips_of("train");
  if (clips.empty()) clips = corpus.clips_of("validation");
  const auto is_picture = [&](std::int64_t clip) {
    return corpus.clips()[static_cast<std::size_t>(clip)].frames == 1;
  };
  if (!std::ranges::all_of(clips, is_picture)) std::erase_if(clips, is_picture);
  return clips;
}

// 29.97 and 30000/1001 are one rate.
double usual_rate(const CorpusIndex& corpus, const std::vector<std::int64_t>& clips) {
  std::map<std::int64_t, std::int64_t> counts;  // of hundredths
  for (const std::int64_t clip : clips) {
    const double fps = corpus.clips()[static_cast<std::size_t>(clip)].fps;
    if (fps > 0 && fps <= 240) ++counts[std::llround(fps * 100)];
  }
  return counts.empty() ? kRateOfPictures : static_cast<double>(most_usual(counts)) / 100;
}

int whole_patches(int length, int patch) { return std::max(length / patch, 1) * patch; }

}  // namespace

ClipShape usual_clip(const CorpusIndex& corpus) {
  const std::vector<std::int64_t> clips = candidates(corpus);
  const auto about = [&](std::int64_t clip) -> const CorpusClip& {
    return corpus.clips()[static_cast<std::size_t>(clip)];
  };
  std::map<std::pair<int, int>, std::int64_t> sizes;
  for (const std::int64_t clip : clips) ++sizes[{about(clip).height, about(clip).width}];
  const auto [height, width] = most_usual(sizes);
  std::vector<std::int64_t> alike;
  std::map<int, std::int64_t> lengths;
  for (const std::int64_t clip : clips) {
    if (about(clip).height != height || about(clip).width != width) continue;
    alike.push_back(clip);
    ++lengths[about(clip).frames];
  }
  return {.frames = most_usual(lengths),
          .size = {.width = width, .height = height},
          .fps = usual_rate(corpus, alike)};
}

TrainConfig with_shape_of_clips(TrainConfig config) {
  if (is_autoencoder(config)) return config;  // its clips are those of the corpus
  TrainConfig::Eval& eval = config.eval;
  if (eval.frames > 0 && eval.size.width > 0 && eval.fps > 0) return config;
  if (!std::filesystem::exists(std::filesystem::path(config.data.train) / "index.json"))
    return config;
  const ClipShape clip = usual_clip(CorpusIndex::open(config.data.train));
  const auto& [frames, rows, columns] = config.model.patch;
  if (eval.frames == 0) {
    const int most = config.data.frames_max;
    eval.frames = clip.frames == 1
                      ? 1
                      : whole_patches(most > 0 ? std::min(clip.frames, most) : clip.frames, frames);
  }
  if (eval.size.width == 0)
    eval.size = {.width = whole_patches(clip.size.width, columns),
                 .height = whole_patches(clip.size.height, rows)};
  if (eval.fps == 0) eval.fps = clip.fps;
  return config;
}

}  // namespace muybridge
