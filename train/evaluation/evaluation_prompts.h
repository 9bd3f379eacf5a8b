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

struct EvaluationPrompts {
  std::vector<EvaluationPrompt> picked;
  int known = 0;  // how many there are to pick from
};

// The prompts to render: those of a synthetic corpus ("shapes", "physics"), of a file with one a
// line (eval/prompt_file.h), or the list itself; `count` of them, spread over the list with a
// stride that shares no factor with its length, so that a list of combinations gives all kinds.
// Where nothing is said, the captions of held-out clips, and after them those of clips to train on,
// no more of them than `count`; none without a corpus. Where `count` is more than all of them, they
// come again with other seeds. Throws Error(kUsage) when the file cannot be read or has none.
EvaluationPrompts evaluation_prompts(const TextOrList& prompts, int count,
                                     const CorpusIndex* corpus);

}  // namespace muybridge
