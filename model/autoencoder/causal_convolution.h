#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/ops/convolution/convolution.h"
#include "core/parameters.h"

namespace muybridge {

// What the layers of an autoencoder remember of the frames before a chunk, so that a clip may come
// in chunks and give what it gives as a whole. One for each clip and each direction; its first
// chunk begins with the clip's first frame, which stands for itself.
class FrameMemory {
 public:
  // The last frames that the layer with this weight was given; undefined before the first chunk.
  Var& of(const Var& weight) { return last_[weight.tag()]; }
  bool is_new() const { return last_.empty(); }

 private:
  std::unordered_map<std::int64_t, Var> last_;
};

// The last frames of x to remember: where nothing is recorded they do not keep the others alive.
Var last_frames(const Var& x, std::int64_t count);

struct CausalConvolutionOptions {
  Extents3 kernel{3, 3, 3};
  float gain = 1;
};

// A convolution that sees of other frames only earlier ones; zero ahead of the first, and around
// frames. Weight [out, kT, kH, kW, in], bias [out].
struct CausalConvolution {
  Var weight;
  Var bias;

  CausalConvolution(Parameters& parameters, const std::string& name, std::int64_t in,
                    std::int64_t out, const CausalConvolutionOptions& options = {});
  // x [T,H,W,in], the next frames of a clip -> [T,H,W,out].
  Var operator()(const Var& x, FrameMemory& memory) const;
};

}  // namespace muybridge
