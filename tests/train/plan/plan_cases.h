#pragma once

#include "train/config.h"
#include "train/load_config.h"
#include "train/plan/estimate.h"

namespace muybridge::testing {

// A model of 16 blocks with clips that fill a micro-batch of 4096 tokens.
inline TrainConfig plan_config(const std::vector<std::string>& overrides = {}) {
  return parse_train_config(
      "run: {name: x}\ndata: {train: x}\n"
      "model: {channels: 16, patch: [1, 2, 2], width: 1024, depth: 16, heads: 16, mlp_width: "
      "4096,\n"
      "        text_width: 512, text_depth: 2, text_heads: 8}\n"
      "batch: {tokens: 4096, micro_batches: 64}\n"
      "train: {steps: 9, precision: bf16}\neval: {samples: 0}\n",
      "test", overrides);
}

inline Cluster cluster(int nodes, int per_node = 8, const char* chip = "h200") {
  return {.chip = chip_named(chip), .nodes = nodes, .chips_per_node = per_node};
}

inline Estimate estimate_of(const Cluster& on, const std::vector<std::string>& overrides = {}) {
  const TrainConfig config = plan_config(overrides);
  StepModel model(on, workload_of(config, 128));
  return model.estimate(layout_of(config, on.ranks()));
}

}  // namespace muybridge::testing
