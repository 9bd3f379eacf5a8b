// In the place of cuDNN: convolution by the formula, on the host.
#include <memory>
#include <utility>
#include <vector>

#include "core/cuda/convolution_graph.h"
#include "core/ops/convolution/convolution_functor.h"
#include "tests/cuda_double/device_memory.h"

namespace cudnn_frontend::graph {
class Graph {
 public:
  explicit Graph(const muybridge::cuda::ConvolutionPlanKey& wanted) : key(wanted) {}
  muybridge::cuda::ConvolutionPlanKey key;
};
}  // namespace cudnn_frontend::graph

namespace muybridge::cuda {
namespace {

template <class F>
void for_all(std::int64_t n, const F& f) {
#pragma omp parallel for schedule(dynamic, 64)
  for (std::int64_t i = 0; i < n; ++i) f(i);
}

template <class T>
void compute(const ConvolutionPlanKey& key, const ConvolutionPointers& pointers) {
  const functor::ConvolutionWalk walk(key.shape);
  const auto *const first = static_cast<const T*>(pointers.first),
                    *const second = static_cast<const T*>(pointers.second),
                    *const bias = static_cast<const T*>(pointers.bias);
  auto* const result = static_cast<T*>(pointers.result);
  switch (key.part) {
    case ConvolutionPart::kForward:
      return for_all(key.shape.y().numel(),
                     functor::ConvolutionForward<T>{walk, first, second, bias, result});
    case ConvolutionPart::kInputGradient:
      return for_all(key.shape.x().numel(),
                     functor::ConvolutionInputGradient<T>{walk, first, second, result});
    case ConvolutionPart::kWeightGradient:
      return for_all(key.shape.weight().numel(),
                     functor::ConvolutionWeightGradient<T>{walk, first, second, result});
  }
}

}  // namespace

ConvolutionGraph::ConvolutionGraph(const ConvolutionPlanKey& key, const PlanTarget& /*target*/,
                                   const PlanFiles& /*files*/)
    : graph_(std::make_unique<cudnn_frontend::graph::Graph>(key)) {}
ConvolutionGraph::~ConvolutionGraph() = default;

void ConvolutionGraph::run(cudnnHandle_t /*handle*/, const ConvolutionPointers& pointers) const {
  const emulator::DeviceAccess access;
  if (graph_->key.dtype == static_cast<std::int64_t>(DType::kF32))
    compute<float>(graph_->key, pointers);
  else
    compute<bf16>(graph_->key, pointers);
}

// It has no kernel for five channels, so that what does without is tried, too.
const ConvolutionGraph* convolution_graph(const ConvolutionPlanKey& key, Context& context) {
  if (key.shape.channels == 5) return nullptr;
  static std::vector<std::pair<ConvolutionPlanKey, std::unique_ptr<ConvolutionGraph>>> graphs;
  for (const auto& [known, graph] : graphs)
    if (known == key) return graph.get();
  graphs.emplace_back(key, std::make_unique<ConvolutionGraph>(key, context.dnn()));
  return graphs.back().second.get();
}

}  // namespace muybridge::cuda
