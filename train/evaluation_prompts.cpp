#include "train/evaluation_prompts.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "data/synthetic/synthetic.h"
#include "eval/prompt_file.h"

namespace muybridge {
namespace {

// Distinct captions in the order of the corpus, at most `count` of them.
std::vector<std::string> captions_of(const CorpusIndex& corpus, int count) {
  std::vector<std::int64_t> clips = corpus.clips_of("validation");
  if (clips.empty()) clips = corpus.clips_of("train");
  std::vector<std::string> captions;
  std::set<std::string> seen;
  for (const std::int64_t clip : clips) {
    if (captions.size() == static_cast<std::size_t>(count)) break;
    const std::string caption = corpus.record(clip).caption;
    if (!caption.empty() && seen.insert(caption).second) captions.push_back(caption);
  }
  return captions;
}

std::vector<std::string> all_prompts(const TextOrList& prompts, int count,
                                     const CorpusIndex* corpus) {
  if (!prompts.list.empty()) {
    std::vector<std::string> clean;
    for (const std::string& prompt : prompts.list)
      clean.push_back(clean_prompt(prompt, "eval.prompts"));
    return clean;
  }
  if (prompts.text.empty())
    return corpus != nullptr ? captions_of(*corpus, count) : std::vector<std::string>{};
  if (const auto kind = corpus_kind(prompts.text)) return evaluation_prompts(*kind);
  return read_prompt_file(prompts.text);
}

// About count / wanted, and without a factor in common with count.
int stride_over(int count, int wanted) {
  int stride = wanted > 0 ? std::max(1, count / wanted) : 1;
  while (std::gcd(stride, count) > 1) ++stride;
  return stride;
}

}  // namespace

std::vector<EvaluationPrompt> evaluation_prompts(const TextOrList& prompts, int count,
                                                 const CorpusIndex* corpus) {
  if (count == 0) return {};
  const std::vector<std::string> all = all_prompts(prompts, count, corpus);
  const int known = static_cast<int>(all.size());
  const int wanted = std::min(count, known);
  std::vector<int> picked;
  for (int i = 0, stride = stride_over(known, wanted); i < wanted; ++i)
    picked.push_back(static_cast<int>(std::int64_t{i} * stride % known));
  std::ranges::sort(picked);
  std::vector<EvaluationPrompt> result;
  result.reserve(picked.size());
  for (const int ordinal : picked)
    result.push_back({.text = all[static_cast<std::size_t>(ordinal)], .ordinal = ordinal});
  return result;
}

}  // namespace muybridge
