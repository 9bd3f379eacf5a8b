#include "train/evaluation_prompts.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "data/synthetic/synthetic.h"
#include "eval/prompt_file.h"

namespace muybridge {
namespace {

EvaluationPrompt plain(const std::string& text) { return {.text = text}; }

// Adds the distinct captions of a split until there are `limit` (0: all).
void add_captions(const CorpusIndex& corpus, const char* split, const char* source, int limit,
                  std::set<std::string>& seen, std::vector<EvaluationPrompt>& to) {
  for (const std::int64_t clip : corpus.clips_of(split)) {
    if (limit > 0 && to.size() == static_cast<std::size_t>(limit)) return;
    const std::string caption = corpus.record(clip).caption;
    if (!caption.empty() && seen.insert(caption).second)
      to.push_back({.text = caption, .ordinal = 0, .source = source, .clip = clip});
  }
}

// Those of held-out clips come first: the model has not seen them.
std::vector<EvaluationPrompt> captions_of(const CorpusIndex& corpus, int limit) {
  std::vector<EvaluationPrompt> captions;
  std::set<std::string> seen;
  add_captions(corpus, "validation", "held out", limit, seen, captions);
  if (limit > 0 || captions.empty())
    add_captions(corpus, "train", "training", limit, seen, captions);
  return captions;
}

std::vector<EvaluationPrompt> all_prompts(const TextOrList& prompts, int limit,
                                          const CorpusIndex* corpus) {
  if (prompts.list.empty() && prompts.text.empty())
    return corpus != nullptr ? captions_of(*corpus, limit) : std::vector<EvaluationPrompt>{};
  std::vector<std::string> texts = prompts.list;
  if (texts.empty()) {
    const auto kind = corpus_kind(prompts.text);
    texts = kind ? evaluation_prompts(*kind) : read_prompt_file(prompts.text);
  }
  std::vector<EvaluationPrompt> all;
  std::ranges::transform(texts, std::back_inserter(all), plain);
  return all;
}

// About count / wanted, and without a factor in common with count.
int stride_over(int count, int wanted) {
  int stride = wanted > 0 ? std::max(1, count / wanted) : 1;
  while (std::gcd(stride, count) > 1) ++stride;
  return stride;
}

}  // namespace

std::vector<EvaluationPrompt> evaluation_prompts(const TextOrList& prompts, int limit,
                                                 const CorpusIndex* corpus) {
  const std::vector<EvaluationPrompt> all = all_prompts(prompts, limit, corpus);
  if (all.empty()) return {};
  const int count = static_cast<int>(all.size());
  const int wanted = limit > 0 ? limit : count;
  std::vector<int> picked;  // from `count` on they are second and later seeds
  for (int i = 0, stride = stride_over(count, std::min(wanted, count)); i < wanted; ++i)
    picked.push_back(i / count * count + static_cast<int>(std::int64_t{i} * stride % count));
  std::ranges::sort(picked, {}, [count](int ordinal) {
    return std::pair(ordinal % count, ordinal / count);  // the seeds of a prompt side by side
  });
  std::vector<EvaluationPrompt> result;
  result.reserve(picked.size());
  for (const int ordinal : picked) {
    result.push_back(all[static_cast<std::size_t>(ordinal % count)]);
    result.back().ordinal = ordinal;
  }
  return result;
}

}  // namespace muybridge
