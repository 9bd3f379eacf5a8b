#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/config.h"

namespace muybridge {

// A piece of work that `muybridge bench` repeats, on random data of one batch.
class BenchJob {
 public:
  virtual ~BenchJob() = default;
  virtual void run() = 0;
  virtual std::int64_t tokens() const = 0;
  virtual double flops() const { return 0; }  // of one run; 0: not counted
};

// A train step of one rank: forward, backward and update of one micro-batch.
std::unique_ptr<BenchJob> step_job(const TrainConfig& config);
// Clips from noise, as evaluation makes them: text, noise and every step of the solver.
std::unique_ptr<BenchJob> sample_job(const TrainConfig& config);
// The matrix products of a train step's linear layers alone, each with operands of its own: what
// the library reaches at these sizes.
std::unique_ptr<BenchJob> matmul_job(const TrainConfig& config);

}  // namespace muybridge
