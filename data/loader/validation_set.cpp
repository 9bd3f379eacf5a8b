#include "data/loader/validation_set.h"

#include <algorithm>
#include <functional>

namespace muybridge {
namespace {

// At most `limit`, spread evenly; 0 for all.
std::vector<SelectedClip> choose(const CorpusIndex& corpus, const BatchOptions& options,
                                 int limit) {
  const std::vector<SelectedClip> all = select_clips(corpus, "validation", options);
  const auto count = std::ssize(all);
  const auto chosen = limit > 0 ? std::min<std::int64_t>(limit, count) : count;
  std::vector<SelectedClip> clips;
  for (std::int64_t i = 0; i < chosen; ++i)
    clips.push_back(all[static_cast<std::size_t>(i * count / chosen)]);
  return clips;
}

// Every caption, and no more rows than the clips fill.
BatchOptions with_rows_of(const std::vector<SelectedClip>& clips, BatchOptions options) {
  std::int64_t tokens = 0;
  for (const SelectedClip& clip : clips) tokens += clip.grid.tokens();
  const std::int64_t rows = (tokens + options.row_step - 1) / options.row_step * options.row_step;
  options.token_budget = std::min(options.token_budget, rows);
  options.caption_drop_rate = 0;
  return options;
}

}  // namespace

ValidationSet::ValidationSet(const CorpusIndex& corpus, const BatchOptions& options, int limit)
    : ValidationSet(corpus, choose(corpus, options, limit), options) {}

ValidationSet::ValidationSet(const CorpusIndex& corpus, std::vector<SelectedClip> chosen,
                             const BatchOptions& options)
    : builder_(corpus, with_rows_of(chosen, options)) {
  for (const SelectedClip& clip : chosen) numbers_.push_back(clip.clip);
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
