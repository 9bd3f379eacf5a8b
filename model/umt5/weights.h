#pragma once

#include <string>
#include <vector>

#include "core/parameters.h"
#include "model/safetensors_shards.h"

namespace muybridge {

// The weights of a public UMT5 encoder as those of an Umt5Encoder, in the names that the files have
// (public_names.h).
class Umt5Weights {
 public:
  // Of all that `parameters` has, allocated or not; `name` is what the encoder was told to put in
  // front. Throws Error(kUsage) with a list of all that is missing, unexpected or of another shape.
  // Both are to outlive this.
  Umt5Weights(const SafetensorsShards& files, const Parameters& parameters,
              const std::string& name = {});

  // Into parameters that are allocated: each tensor into its place, rounded to the place's type.
  void read() const;

 private:
  struct Place {
    std::string name;  // of the tensor
    const Parameter* parameter;
    std::int64_t row, rows;
  };

  const SafetensorsShards& files_;
  std::vector<Place> places_;
};

}  // namespace muybridge
