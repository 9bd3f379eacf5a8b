#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/loader/loader.h"
#include "model/dit.h"
#include "parallel/grad_reducer.h"
#include "parallel/world.h"
#include "train/evaluation.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/tensorboard.h"
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
  Trainer(const TrainConfig& config, World& world, std::vector<std::string> command_line);
  ~Trainer();

  TrainOutcome run();

 private:
  struct Records;  // what rank 0 writes about the run

  void restore();
  StepMetrics train_one_step();
  void fail_if_diverged(const std::vector<std::int64_t>& bad_clips, double loss, double norm);
  void run_evaluation(StepMetrics& metrics);
  void commit();
  bool stop_requested(bool signalled, double seconds_so_far) const;

  TrainConfig config_;
  World& world_;
  Group& group_;
  RunFolder run_;
  FolderLock lock_;
  CorpusIndex corpus_;
  std::unique_ptr<CorpusIndex> validation_corpus_;  // null: the held-out clips of corpus_
  Parameters parameters_;
  Dit dit_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<GradReducer> reducer_;
  std::unique_ptr<Records> records_;
  std::int64_t step_ = 0;  // steps done
  std::int64_t committed_step_ = -1;
  double seconds_before_ = 0;  // of training, in earlier starts of the run
  double seconds_now_ = 0;
};

}  // namespace muybridge
