#pragma once

#include "core/dtype.h"
#include "data/corpus_index.h"
#include "data/loader.h"
#include "eval/render.h"
#include "eval/validation.h"
#include "model/dit_options.h"
#include "train/config.h"

namespace muybridge {

// What the rooms below are told, from what the user's file says.
DitOptions dit_options(const TrainConfig& config);
FlowOptions flow_options(const TrainConfig& config);
LoaderOptions loader_options(const TrainConfig& config);
ValidationOptions validation_options(const TrainConfig& config);
RenderOptions render_options(const TrainConfig& config);
DType compute_dtype(const TrainConfig& config);

struct EvaluationPrompt {
  std::string text;
  int ordinal = 0;  // among all prompts, picked or not: the key of its seed
  bool operator==(const EvaluationPrompt&) const = default;
};

// The prompts to render: those of a synthetic corpus ("shapes", "physics"), of a file with one a
// line, or the list itself; at most `limit` of them, spread over the list with a stride that shares
// no factor with its length, so that a list of combinations gives all kinds (0: all). Where nothing
// is said, the captions of held-out clips, or of clips to train on if none are held out; none
// without a corpus. Throws Error(kUsage) when the file cannot be read or has none.
std::vector<EvaluationPrompt> evaluation_prompts(const TextOrList& prompts, int limit,
                                                 const CorpusIndex* corpus);

}  // namespace muybridge
