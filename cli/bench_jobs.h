#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "parallel/world.h"
#include "train/checks/require_memory.h"
#include "train/config.h"
#include "train/unread_keys.h"

namespace muybridge {

// A piece of work that `muybridge bench` repeats, on random data. All ranks run it at once.
class BenchJob {
 public:
  virtual ~BenchJob() = default;
  virtual void run() = 0;
  virtual std::int64_t tokens() const = 0;    // of one run, of all ranks
  virtual double flops() const { return 0; }  // the same; 0: not counted
  virtual std::optional<double> exposed() const {
    return {};
  }  // seconds of the last run that waited for ranks
};

// A job, what it reads of a configuration, and what it will take of each of so many ranks; the last
// two are known before anything is allocated.
struct BenchKind {
  KeyReader reader;
  std::unique_ptr<BenchJob> (*make)(const TrainConfig& config, World& world);
  MemoryEstimate (*memory)(const TrainConfig& config, int ranks);
  bool alone = false;  // of one rank, whatever layout the configuration says
};

// A train step: forward and backward of its micro-batches, sums of gradients, update.
BenchKind step_bench();
// Clips from noise, as evaluation makes them: text, noise and every step of the solver.
BenchKind sample_bench();
// The matrix products of a train step's linear layers alone, each with operands of its own: what
// the library reaches at these sizes.
BenchKind matmul_bench();

// Of the rank that holds most of the model.
HeldParameters largest_stage(const TrainConfig& config);

}  // namespace muybridge
