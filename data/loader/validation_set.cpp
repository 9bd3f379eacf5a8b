#include "data/loader/validation_set.h"

#include <algorithm>
#include <functional>

namespace muybridge {
namespace {

BatchOptions with_all_captions(BatchOptions options) {
  options.caption_drop_rate = 0;
  return options;
}

}  // namespace

ValidationSet::ValidationSet(const CorpusIndex& corpus, BatchOptions options, int limit)
    : builder_(corpus, with_all_captions(options)) {
  const std::vector<SelectedClip> all = select_clips(corpus, "validation", options);
  const auto count = std::ssize(all);
  clips_ = limit > 0 ? std::min<std::int64_t>(limit, count) : count;
  std::vector<SelectedClip> chosen;
  for (std::int64_t i = 0; i < clips_; ++i)
    chosen.push_back(all[static_cast<std::size_t>(i * count / clips_)]);

  // First fit, the largest first.
  std::ranges::stable_sort(chosen, std::greater{},
                           [](const SelectedClip& clip) { return clip.grid.tokens(); });
  std::vector<std::int64_t> used;
  for (const SelectedClip& clip : chosen) {
    const auto fits = [&](std::int64_t tokens) {
      return tokens + clip.grid.tokens() <= options.token_budget;
    };
    const auto place = static_cast<std::size_t>(std::ranges::find_if(used, fits) - used.begin());
    if (place == used.size()) {
      used.push_back(0);
      batches_.emplace_back();
    }
    used[place] += clip.grid.tokens();
    batches_[place].push_back({clip.clip, clip});
  }
}

Batch ValidationSet::batch(int index) const {
  std::vector<std::byte> scratch;
  return builder_.build(batches_.at(static_cast<std::size_t>(index)), &scratch);
}

}  // namespace muybridge
