#pragma once

#include <memory>

#include "core/system/machine.h"
#include "data/shards/corpus_index.h"
#include "parallel/group.h"
#include "parallel/world.h"
#include "train/config.h"
#include "train/evaluation/evaluation_prompts.h"
#include "train/records/run_folder.h"

// What can be known to go wrong is found before the first step: each function throws Error(kUsage),
// or Error(kIo) for what the machine lacks, and says what to do.
namespace muybridge {

// This rank computes where the configuration says from now on: on the CPU, or on the CUDA device of
// its place among the ranks of its machine. Collective. Throws where there is none that this
// program can use, and where two ranks would share one unasked.
Device take_device(const TrainConfig& config, World& world);

// The layout of ranks is one that it can train in. Returns a warning where some ranks
// will have nothing to do.
std::string require_runnable(const TrainConfig& config, int ranks);

// What to say where the precision that was asked for makes `machine` slower; empty where it does
// not.
std::string slow_precision(const TrainConfig& config, const Machine& machine);

// Whether rank 0 sees a prepared corpus; every rank then sees one. Throws Error(kIo) that names the
// machine of one that does not. Collective.
bool require_shared(const std::string& key, const std::filesystem::path& corpus, Group& group);

struct Corpora {
  CorpusIndex train;
  std::unique_ptr<CorpusIndex> other;  // data.validation; null: the held-out clips of `train`

  const CorpusIndex& validation() const { return other ? *other : train; }
};
Corpora open_corpora(const TrainConfig& config);

// The prompts that every evaluation of the run renders, read once; that their clips, and the
// held-out ones, fit the model and the batch; that MP4 files can be written; that all ranks read
// the same prompts. Warns of prompts that are cut or left out, and where no clip is held out.
// Collective.
EvaluationPrompts prepare_evaluation(const TrainConfig& config, const CorpusIndex* validation,
                                     Group& group);

// Every rank can write into these folders. Collective.
void require_writable(const std::vector<std::filesystem::path>& folders, Group& group);

// Every rank can write where the run keeps its files, and the disk has room for a commit of
// `commit_bytes`, one more than stay. Warns when it has less than all commits that stay will take.
// Collective.
void require_room(const RunFolder& run, std::int64_t commit_bytes, int keep, Group& group);

}  // namespace muybridge
