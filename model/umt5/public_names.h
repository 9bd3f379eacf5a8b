#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

// Which tensors of a public UMT5 encoder a parameter of ours is: in the names of the transformers
// library (UMT5EncoderModel), or in those of Wan's own files (models_t5_umt5-xxl-enc-bf16). Fused
// projections of ours are several tensors there.
namespace muybridge {

enum class Umt5Names : std::uint8_t { kTransformers, kWan };

// Rows [row, row + rows) of our parameter under the name that the world knows.
struct Umt5Part {
  std::string name;
  std::int64_t row = 0;
  std::int64_t rows = 0;
};

// The parts of parameter `name` of `shape`, in the order of its rows; `name` without what an
// Umt5Encoder was told to put in front. Throws std::invalid_argument for one that is none of its.
std::vector<Umt5Part> umt5_parts(std::string_view name, const Shape& shape, Umt5Names names);

// Another name that files of these names may have for the same tensor, or have beside it; empty
// where there is none.
std::string other_umt5_name(const std::string& name);

}  // namespace muybridge
