#pragma once

#include <string>
#include <vector>

#include "data/shards/corpus_index.h"
#include "train/config.h"

namespace muybridge {

struct EvaluationPrompt {
  std::string text;
  int ordinal = 0;          // among all prompts, picked or not: the key of its seed
  std::string source = {};  // "held out" or "training" where it is a caption of the corpus
  std::int64_t clip = -1;   // the clip that has this caption
  bool operator==(const EvaluationPrompt&) const = default;
};

// The prompts to render: those of a synthetic corpus ("shapes", "physics"), of a file with one a
// line, or the list itself; at most `limit` of them, spread over the list with a stride that shares
// no factor with its length, so that a list of combinations gives all kinds (0: all). Where nothing
// is said, the captions of held-out clips, and after them those of clips to train on as far as
// `limit` goes (or where none are held out); none without a corpus. Where `limit` is more than all
// of them, they come again with other seeds. Throws Error(kUsage) when the file cannot be read or
// has none.
std::vector<EvaluationPrompt> evaluation_prompts(const TextOrList& prompts, int limit,
                                                 const CorpusIndex* corpus);

}  // namespace muybridge
