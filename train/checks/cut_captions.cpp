#include "train/checks/cut_captions.h"

#include <algorithm>
#include <filesystem>

#include "core/log.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr std::int64_t kMostLookedAt = 20'000;  // a second or two, however large the corpus is

}  // namespace

CutCaptions count_cut_captions(const CorpusIndex& corpus, std::size_t limit, std::int64_t most) {
  CutCaptions result;
  const std::int64_t clips = std::ssize(corpus.clips());
  result.looked_at = std::min(clips, most);
  for (std::int64_t i = 0; i < result.looked_at; ++i) {
    const std::int64_t clip = i * clips / result.looked_at;
    const std::size_t bytes = corpus.record(clip).caption.size();
    if (bytes <= limit) continue;
    ++result.cut;
    if (bytes <= result.longest) continue;
    result.longest = bytes;
    result.clip = clip;
  }
  return result;
}

void warn_of_cut_captions(const TrainConfig& config) {
  if (is_autoencoder(config)) return;  // it learns none
  const std::filesystem::path folder = config.data.train;
  if (!std::filesystem::exists(folder / "index.json")) return;
  const CorpusIndex corpus = CorpusIndex::open(folder);
  const auto limit = static_cast<std::size_t>(config.data.max_caption_bytes);
  const CutCaptions found = count_cut_captions(corpus, limit, kMostLookedAt);
  if (found.cut == 0) return;
  log_warning(
      "{} of {} captions are longer than data.max_caption_bytes = {}, and what is behind is never "
      "learned; the longest, of {}, has {} bytes: raise the limit, or write shorter captions",
      found.cut, found.looked_at, limit, corpus.name_of_clip(found.clip), found.longest);
}

}  // namespace muybridge
