#include "train/evaluation/evaluation_prompts.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "data/synthetic/synthetic.h"
#include "eval/prompt_file.h"

namespace muybridge {
namespace {

EvaluationPrompt plain(const std::string& text) { return {.text = text}; }

// Adds the distinct captions of a split until there are `count`.
void add_captions(const CorpusIndex& corpus, const char* split, const char* source, int count,
                  std::set<std::string>& seen, std::vector<EvaluationPrompt>& to) {
  for (const std::int64_t clip : corpus.clips_of(split)) {
    if (to.size() == static_cast<std::size_t>(count)) return;
    const std::string caption = corpus.record(clip).caption;
    if (!caption.empty() && seen.insert(caption).second)
      to.push_back({.text = caption, .ordinal = 0, .source = source, .clip = clip});
  }
}

// Those of held-out clips come first: the model has not seen them.
std::vector<EvaluationPrompt> captions_of(const CorpusIndex& corpus, int count) {
  std::vector<EvaluationPrompt> captions;
  std::set<std::string> seen;
  add_captions(corpus, "validation", "held out", count, seen, captions);
  add_captions(corpus, "train", "training", count, seen, captions);
  return captions;
}

std::vector<EvaluationPrompt> all_prompts(const TextOrList& prompts, int count,
                                          const CorpusIndex* corpus) {
  if (prompts.list.empty() && prompts.text.empty())
    return corpus != nullptr ? captions_of(*corpus, count) : std::vector<EvaluationPrompt>{};
  std::vector<std::string> texts;
  for (const std::string& prompt : prompts.list)
    texts.push_back(clean_prompt(prompt, "eval.prompts"));
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

EvaluationPrompts evaluation_prompts(const TextOrList& prompts, int count,
                                     const CorpusIndex* corpus) {
  if (count == 0) return {};
  const std::vector<EvaluationPrompt> all = all_prompts(prompts, count, corpus);
  if (all.empty()) return {};
  const int known = static_cast<int>(all.size());
  std::vector<int> picked;  // from `known` on they are second and later seeds
  for (int i = 0, stride = stride_over(known, std::min(count, known)); i < count; ++i)
    picked.push_back(i / known * known + static_cast<int>(std::int64_t{i} * stride % known));
  std::ranges::sort(picked, {}, [known](int ordinal) {
    return std::pair(ordinal % known, ordinal / known);  // the seeds of a prompt side by side
  });
  EvaluationPrompts result{.picked = {}, .known = known};
  result.picked.reserve(picked.size());
  for (const int ordinal : picked) {
    result.picked.push_back(all[static_cast<std::size_t>(ordinal % known)]);
    result.picked.back().ordinal = ordinal;
  }
  return result;
}

}  // namespace muybridge
