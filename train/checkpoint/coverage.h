#pragma once

#include <span>
#include <string>

#include "train/checkpoint/catalogue.h"
#include "train/checkpoint/checkpoint_format.h"

namespace muybridge {

// Why the pieces do not make the state, or nothing: each element of each parameter, of the master
// and of every other kind that has a piece, must be in exactly one. Runs are never listed: two
// slices of one stride are compared at once, so that tensor-parallel shares of a large model, which
// have millions of runs, cost as little as ranges.
std::string coverage_defect(const Catalogue& parameters, std::span<const RankFile> files);

// Throws Error(kInternal), which begins with `where`, for such a defect.
void require_coverage(const Catalogue& parameters, std::span<const RankFile> files,
                      const std::string& where);

}  // namespace muybridge
