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

// What a run has left in its folder so far, as far as the gallery shows it.
struct RunRecord {
  Curve loss;
  Curve validation_loss;  // mean over the timestep quantiles
  Curve grad_norm;
  std::vector<RenderedSet> rendered;  // by step
};

// Reads RUN/metrics.jsonl, RUN/samples/step-*/samples.json and RUN/samples.json (of `sample`).
// Never throws for what it finds: a line that is cut short, a value that is no number and a damaged
// samples.json are left out, the last with a warning.
RunRecord read_run_record(const std::filesystem::path& run);

}  // namespace muybridge
