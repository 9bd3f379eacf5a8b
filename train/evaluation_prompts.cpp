#include "train/evaluation_prompts.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

// Distinct captions in the order of the corpus, at most `limit` of them (0: all).
std::vector<std::string> captions_of(const CorpusIndex& corpus, int limit) {
  std::vector<std::int64_t> clips = corpus.clips_of("validation");
  if (clips.empty()) clips = corpus.clips_of("train");
  std::vector<std::string> captions;
  std::set<std::string> seen;
  for (const std::int64_t clip : clips) {
    if (limit > 0 && captions.size() == static_cast<std::size_t>(limit)) break;
    const std::string caption = corpus.record(clip).caption;
    if (!caption.empty() && seen.insert(caption).second) captions.push_back(caption);
  }
  return captions;
}

std::vector<std::string> all_prompts(const TextOrList& prompts, int limit,
                                     const CorpusIndex* corpus) {
  if (!prompts.list.empty()) return prompts.list;
  if (prompts.text.empty())
    return corpus != nullptr ? captions_of(*corpus, limit) : std::vector<std::string>{};
  if (const auto kind = corpus_kind(prompts.text)) return evaluation_prompts(*kind);
  std::vector<std::string> all;
  std::istringstream lines(read_file(prompts.text));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) all.push_back(line);
  if (all.empty()) fail(ExitCode::kUsage, "{}: no prompt in it; one a line", prompts.text);
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
  const std::vector<std::string> all = all_prompts(prompts, limit, corpus);
  const int count = static_cast<int>(all.size());
  const int wanted = limit > 0 ? std::min(limit, count) : count;
  std::vector<int> picked;
  for (int i = 0, stride = stride_over(count, wanted); i < wanted; ++i)
    picked.push_back(static_cast<int>(std::int64_t{i} * stride % count));
  std::ranges::sort(picked);
  std::vector<EvaluationPrompt> result;
  result.reserve(picked.size());
  for (const int ordinal : picked)
    result.push_back({.text = all[static_cast<std::size_t>(ordinal)], .ordinal = ordinal});
  return result;
}

}  // namespace muybridge
