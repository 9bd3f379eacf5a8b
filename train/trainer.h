#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/loader/loader.h"
#include "model/dit.h"
#include "parallel/world.h"
#include "train/optimizer.h"
#include "train/resume.h"
#include "train/run_records.h"
#include "train/train_step.h"

namespace muybridge {

enum class TrainOutcome : std::uint8_t {
  kFinished,   // all steps are done
  kPreempted,  // stopped on request, or by train.max_seconds, after a commit
};

// One run: data-parallel training of a DiT with periodic evaluation and commits. Every rank makes
// one, and all call run(). A run whose folder holds a commit goes on from there (train.resume).
class Trainer {
 public:
  Trainer(const TrainConfig& config, World& world, const std::vector<std::string>& command_line);

  TrainOutcome run();

 private:
  void evaluate(StepMetrics& metrics, double seconds);
  void commit(double seconds);

  const TrainConfig config_;
  Group& group_;
  RunFolder run_;
  FolderLock lock_;
  CorpusIndex corpus_;
  std::unique_ptr<CorpusIndex> validation_corpus_;  // null: the held-out clips of corpus_
  Parameters parameters_;
  Dit dit_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<TrainStep> train_step_;
  std::unique_ptr<RunRecords> records_;  // of rank 0
  StartingPoint start_;
  std::int64_t step_ = 0;        // steps done
  std::int64_t committed_ = -1;  // step of the last commit
};

}  // namespace muybridge
