#pragma once

#include "train/plan/estimate.h"

namespace muybridge {

struct SearchOptions {
  int best = 5;          // layouts that are wanted
  int simulations = 32;  // schedules that may be made and simulated
  int tuned = 4;         // of these, made for the costs, which takes longest
  AxisOrder order = kAxes;
};

struct SearchResult {
  std::vector<Estimate> best;  // fastest first; all of them fit
  int considered = 0;          // layouts that can be
  int fitting = 0;             // of them, that seem to fit a chip's memory
};

// The fastest layouts of all ranks of the cluster that training accepts and that fit the memory of
// a chip: every division of the ranks and every schedule that the configuration can say
// (ZeRO 0, 1 and 3, a ring of all context ranks or none), but gpipe, which 1f1b never loses to. All
// are judged by formulas, and the most promising ones simulated.
SearchResult search_layouts(StepModel& model, const SearchOptions& options);

}  // namespace muybridge
