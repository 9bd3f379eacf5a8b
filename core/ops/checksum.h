#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace muybridge {

// Numbers that tell whether tensors of one shape and type hold the same bits, one of each (f32,
// bf16 or f64, not empty). All lie on one device, where it is done; on every kind of device the
// numbers are the same. For errors of memory and networks, not against people.
std::vector<std::uint64_t> checksums(std::span<const Tensor> tensors);

}  // namespace muybridge
