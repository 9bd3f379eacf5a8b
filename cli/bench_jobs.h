#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/checks/memory_estimate.h"
#include "train/config.h"
#include "train/unread_keys.h"

namespace muybridge {

// A piece of work that `muybridge bench` repeats, on random data of one batch.
class BenchJob {
 public:
  virtual ~BenchJob() = default;
  virtual void run() = 0;
  virtual std::int64_t tokens() const = 0;
  virtual double flops() const { return 0; }  // of one run; 0: not counted
};

// A job, what it reads of a configuration, and what it will take; the last two are known before
// anything is allocated.
struct BenchKind {
  KeyReader reader;
  std::unique_ptr<BenchJob> (*make)(const TrainConfig& config);
  MemoryEstimate (*memory)(const TrainConfig& config);
};

// A train step of one rank: forward, backward and update of one micro-batch.
BenchKind step_bench();
// Clips from noise, as evaluation makes them: text, noise and every step of the solver.
BenchKind sample_bench();
// The matrix products of a train step's linear layers alone, each with operands of its own: what
// the library reaches at these sizes.
BenchKind matmul_bench();

}  // namespace muybridge
