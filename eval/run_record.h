#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/provenance.h"

namespace muybridge {

// A number of the run over its steps.
struct Curve {
  struct Point {
    std::int64_t step = 0;
    double value = 0;
  };
  std::vector<Point> points;  // by step, each step once
};

// Clips that one evaluation rendered, and where they lie.
struct RenderedSet {
  std::string folder;  // relative to the run
  SampleSet set;
};

// When and on what the run was started last, from environment.json; what it lacks is empty.
struct RunOrigin {
  std::string started;  // UTC
  std::string version;  // of muybridge
  std::string machine;  // "AMD EPYC 9654, 2 cores, 7.8 GB, Linux 6.1"
  std::string command;
  std::int64_t ranks = 0;
};

// What a run has left in its folder so far, as far as the gallery shows it.
struct RunRecord {
  Curve loss;
  Curve validation_loss;  // mean over the timestep quantiles
  Curve psnr;             // of held-out clips; none of a DiT
  Curve grad_norm;
  Curve learning_rate;
  Curve tokens_per_second;
  double seconds = 0;  // of all steps
  RunOrigin origin;
  std::vector<RenderedSet> rendered;  // by step
};

// Reads RUN/metrics.jsonl, RUN/environment.json and RUN/samples/step-*/samples.json. Never throws
// for what it finds: a line that is cut short, a value that is no number and a damaged samples.json
// are left out, the last with a warning.
RunRecord read_run_record(const std::filesystem::path& run);

// Means over the clips of a set.
Scores mean_scores_of(const SampleSet& set);

}  // namespace muybridge
