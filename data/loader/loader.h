#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>
#include <vector>

#include "data/loader/batch.h"
#include "data/loader/batch_builder.h"
#include "data/loader/packer.h"
#include "data/shards/corpus_index.h"

namespace muybridge {

struct LoaderOptions : BatchOptions {
  std::string split = "train";
  int micro_batches = 1;  // of a step, over all ranks
  CostModel cost;
  int threads = 1;   // that read and pack
  int prefetch = 4;  // micro-batches made ahead
};

// Where a run stands in its stream of samples: what a checkpoint keeps. Fits any number of ranks.
struct LoaderPosition {
  std::int64_t step = 0;  // steps handed out
  PackerPosition packer;
  std::string corpus;  // identity of the corpus
  bool operator==(const LoaderPosition&) const = default;
};

void to_json(nlohmann::json& json, const LoaderPosition& position);
void from_json(const nlohmann::json& json, LoaderPosition& position);

// Hands this rank its micro-batches of step after step, made ahead by threads. Which clips they
// hold depends on the corpus and the options alone; any number of threads gives the same.
class Loader {
 public:
  // `corpus` must outlive the loader. Throws Error(kUsage) for clips or options that cannot work.
  Loader(const CorpusIndex& corpus, const LoaderOptions& options, int rank, int ranks);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Begins the next step: how many of its micro-batches are this rank's, which next() then hands
  // out one after the other. May be 0, and differ from step to step.
  int begin_step();

  // The next of this rank's micro-batches, step after step. Throws what a thread ran into while it
  // made this one, Error(kCorrupt) with the clip above all; so does every call after.
  Batch next();

  std::int64_t clips() const { return static_cast<std::int64_t>(clips_.size()); }

  // After the last step that was handed out whole.
  LoaderPosition position() const;
  // Throws Error(kCorrupt) for a position that cannot be; warns if the corpus is another one by
  // now.
  void restore(const LoaderPosition& position);

  // Micro-batches that are made, and that next() need not wait for.
  int ready() const;

  // Time that callers of next() have waited, since the start.
  double wait_seconds() const;

 private:
  // A micro-batch of this rank; one without clips stands for a step of which it has none.
  struct Job {
    std::vector<DrawnClip> clips;
    int of_step = 0;  // micro-batches of the step, if it begins one
    bool ends_step = false;
    LoaderPosition after;  // if it ends a step
    bool done = false;
    Batch batch;
    std::exception_ptr failure;
  };

  void start();
  void stop();
  void work();
  void plan_step();                                               // under the lock
  std::unique_ptr<Job> take(std::unique_lock<std::mutex>& lock);  // waits until the first is made

  const CorpusIndex* corpus_;
  LoaderOptions options_;
  int rank_;
  int ranks_;
  std::vector<SelectedClip> clips_;
  BatchBuilder builder_;

  mutable std::mutex mutex_;
  std::condition_variable may_work_;
  std::condition_variable is_done_;
  Packer packer_;
  std::int64_t planned_steps_ = 0;
  std::deque<std::unique_ptr<Job>> jobs_;  // in order; the first `begun_` are done or being made
  std::size_t begun_ = 0;
  bool stopping_ = false;
  LoaderPosition position_;
  double wait_seconds_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace muybridge
