#pragma once

#include <string>

#include "parallel/mesh.h"
#include "parallel/schedule/schedule.h"
#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// How the ranks of a job share a step.
struct Layout {
  MeshSizes sizes;
  ScheduleKind schedule = ScheduleKind::k1F1B;
  Placement placement;
  int zero = 0;  // stage
  Recompute recompute = Recompute::kNone;

  // Context ranks pass keys and values round; else they exchange tokens for heads.
  bool ring() const { return sizes.ring > 1; }
  // Ranks that hold the same parameters, which ZeRO shares out among them.
  int replicas() const { return sizes.data * sizes.context; }
  // Micro-batches of the replica that has most.
  int micro_batches(int of_step) const { return (of_step + sizes.data - 1) / sizes.data; }
  bool operator==(const Layout&) const = default;
};

// The layout that a configuration says, for so many ranks. Throws Error(kUsage) as training does
// where there is none.
Layout layout_of(const TrainConfig& config, int ranks);

// Whether the model can be shared so.
bool can_be(const Layout& layout, const DitOptions& model, std::int64_t batch_rows);

// "data 2 tensor 4 context 1 pipeline 2 zb_v x2 zero 1".
std::string short_name(const Layout& layout);

// "parallel.data=2 parallel.tensor=4 ...": what would make a configuration say this layout.
std::string overrides_of(const Layout& layout);

}  // namespace muybridge
