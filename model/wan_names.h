#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/packing.h"
#include "core/tensor.h"

// Which tensors of a Wan2.1 transformer, in the names of the diffusers library, a parameter of our
// DiT is. The names and shapes were read from the public model; fused projections of ours are
// several tensors there, and our patch vectors are (pt, ph, pw, c) where theirs are (c, pt, ph,
// pw).
namespace muybridge {

// Rows [row, row + rows) of our parameter under the name that the world knows.
struct WanPart {
  std::string name;
  Shape shape;  // there
  std::int64_t row = 0;
  std::int64_t rows = 0;
  bool patch_vectors = false;  // each row is a patch vector in their order
};

// The parts of parameter `name` of `shape`, in a model with this `patch`, in the order of its rows.
// Parameters that Wan2.1 does not have (the byte text encoder) keep their name. Throws
// std::invalid_argument when the shape cannot be that parameter's.
std::vector<WanPart> wan_parts(const std::string& name, const Shape& shape, const Grid& patch);

// The part as a tensor of its own, and its inverse. CPU tensors of f32 or bf16.
Tensor take_wan_part(const WanPart& part, const Tensor& parameter, const Grid& patch);
void put_wan_part(const WanPart& part, const Tensor& source, const Grid& patch,
                  const Tensor& parameter);

}  // namespace muybridge
