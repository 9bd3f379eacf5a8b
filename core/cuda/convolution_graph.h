#pragma once

#include <cstdint>
#include <memory>

#include "core/cuda/context.h"
#include "core/cuda/plan_target.h"
#include "core/ops/convolution/convolution_shape.h"
#include "core/system/plan_files.h"

namespace cudnn_frontend::graph {
class Graph;
}

namespace muybridge::cuda {

enum class ConvolutionPart : std::int64_t { kForward, kInputGradient, kWeightGradient };

// What a cuDNN plan is made for.
struct ConvolutionPlanKey {
  ConvolutionShape shape;
  ConvolutionPart part;
  std::int64_t dtype;     // a DType
  std::int64_t has_bias;  // of the forward part
  bool operator==(const ConvolutionPlanKey&) const = default;
};

// Memory that a plan may take while it runs.
inline constexpr std::int64_t kMostConvolutionWorkspace = std::int64_t{1} << 30;

// Of a part, in this order: x and weight give y; dy and weight give dx; x and dy give dweight.
struct ConvolutionPointers {
  void *first, *second, *bias, *result;
};

// A compiled convolution over one clip, channels innermost, sums in f32. Only kernels that add in a
// fixed order, and in f32 none that rounds its operands.
class ConvolutionGraph {
 public:
  // From `files` where they have it, else compiled and kept there. Throws Error(kUsage) with
  // cuDNN's reason where it has no such kernel, Error(kInternal) where something else is wrong.
  ConvolutionGraph(const ConvolutionPlanKey& key, const PlanTarget& target,
                   const PlanFiles& files = {});
  ~ConvolutionGraph();
  ConvolutionGraph(const ConvolutionGraph&) = delete;
  ConvolutionGraph& operator=(const ConvolutionGraph&) = delete;

  std::int64_t workspace_bytes() const { return workspace_bytes_; }
  bool from_file() const { return from_file_; }

  void run(cudnnHandle_t handle, const ConvolutionPointers& pointers) const;

 private:
  std::unique_ptr<cudnn_frontend::graph::Graph> graph_;
  std::int64_t workspace_bytes_ = 0;
  bool from_file_ = false;
};

// Made on first use and kept, also in plan_folder(); nullptr where cuDNN has no kernel for it. For
// the holder of the context's mutex.
const ConvolutionGraph* convolution_graph(const ConvolutionPlanKey& key, Context& context);

}  // namespace muybridge::cuda
