#pragma once

#include <cstddef>
#include <span>

#include "core/dtype.h"
#include "parallel/group.h"

namespace muybridge {

// out[i] = sources[0][i] + sources[1][i] + ..., or the largest of them, in this order, for i in
// [0, count). bf16 is summed in f32 and rounded once. `out` may be one of the sources.
void reduce_in_order(std::span<const std::byte* const> sources, std::byte* out, std::int64_t count,
                     DType dtype, Reduce how);

}  // namespace muybridge
