#pragma once

#include "core/parameters.h"
#include "parallel/mesh.h"

namespace muybridge {

// An even share of what the ranks of each group of copies hold in common (Mesh::copies).
SharingPlan sharing_plan(const Mesh& mesh, Sharing what);

// After round_to_values: each rank of a group has rounded the values of what it keeps, and gets
// those of the others. Values that come and go are left alone. All ranks at once.
void spread_values(const Parameters& parameters, const Mesh& mesh);

}  // namespace muybridge
