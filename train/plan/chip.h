#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"

namespace muybridge {

// How fast a chip computes with numbers of one type. Operations count a multiply-add as 2.
struct ChipSpeed {
  double peak = 0;                // operations/s that its maker states, dense; what MFU is of
  double product = 0;             // of large matrix products
  double attention_forward = 0;   // at long sequences and head width 128
  double attention_backward = 0;  // counted as 2.5 forwards
};

// What a cost model must know of a chip and of the links between chips. docs/plan.md says where the
// figures come from.
struct Chip {
  std::string name;
  ChipSpeed bf16, f32;
  double float8 = 1;     // products of 8 bits, over those of bf16
  double copy = 0;       // bytes/s, read and written
  double memory = 0;     // bytes
  double usable = 0.94;  // of it; the rest is lost between blocks
  double process = 0;    // bytes that libraries take
  double group = 0;      // bytes of buffers for each group of ranks
  double workspace = 0;  // bytes that attention's backward wants for each number of its queries
  double launch = 0;     // seconds that starting an op takes at least
  int tile_rows = 1, tile_columns = 1, units = 1;  // of products: tiles that are computed at once
  double link = 0;          // bytes/s from a chip to others of its node, each way
  double link_latency = 0;  // seconds of a message
  double network = 0;       // bytes/s from a chip to other nodes, each way
  double network_latency = 0;
  double link_share = 0.8;  // of these speeds that collectives reach

  const ChipSpeed& speed(DType compute) const { return compute == DType::kBF16 ? bf16 : f32; }
};

// h200, h100; cpu, a rank on a core; and ideal, a chip without limits but its arithmetic, for tests
// of formulas.
std::vector<std::string> chip_names();
// Throws Error(kUsage) naming those that exist.
const Chip& chip_named(std::string_view name);

// The chips of a job.
struct Cluster {
  Chip chip;
  int nodes = 1;
  int chips_per_node = 8;

  int ranks() const { return nodes * chips_per_node; }
};

}  // namespace muybridge
