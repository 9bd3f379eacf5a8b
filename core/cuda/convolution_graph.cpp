#include "core/cuda/convolution_graph.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "core/cuda/cudnn_graph.h"
#include "core/cuda/libraries.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/plan_folder.h"

namespace muybridge::cuda {
namespace {

using fe::graph::Graph;
using fe::graph::Tensor_attributes;
using TensorHandle = std::shared_ptr<Tensor_attributes>;

// The tensors of a plan.
enum Name : std::int64_t { kFirst = 1, kSecond, kBias, kResult };

fe::DataType_t to_cudnn(std::int64_t dtype) {
  const auto type = static_cast<DType>(dtype);
  if (type == DType::kF32) return fe::DataType_t::FLOAT;
  if (type == DType::kBF16) return fe::DataType_t::BFLOAT16;
  fail_dtype(type, "convolution");
}

// cuDNN counts [N, C, T, H, W] whatever lies innermost: here it is C.
void lie_channels_innermost(Tensor_attributes& tensor, std::int64_t n, std::int64_t channels,
                            const Extents3& size) {
  const auto [frames, height, width] = size;
  tensor.set_dim({n, channels, frames, height, width})
      .set_stride({channels * frames * height * width, 1, height * width * channels,
                   width * channels, channels});
}

void describe_x(Tensor_attributes& tensor, const ConvolutionShape& shape) {
  lie_channels_innermost(tensor, 1, shape.channels, shape.size);
}
void describe_weight(Tensor_attributes& tensor, const ConvolutionShape& shape) {
  lie_channels_innermost(tensor, shape.results, shape.channels, shape.kernel);
}
void describe_y(Tensor_attributes& tensor, const ConvolutionShape& shape) {
  lie_channels_innermost(tensor, 1, shape.results, shape.result_size());
}

using Describe = void (*)(Tensor_attributes&, const ConvolutionShape&);

TensorHandle input(Graph& graph, Name name, const ConvolutionPlanKey& key, Describe describe) {
  Tensor_attributes tensor;
  describe(tensor, key.shape);
  return graph.tensor(tensor.set_uid(name).set_data_type(to_cudnn(key.dtype)));
}

template <class Attributes>
Attributes with_geometry(const ConvolutionShape& shape) {
  const auto list = [](const Extents3& extents) {
    return std::vector<std::int64_t>(extents.begin(), extents.end());
  };
  return Attributes()
      .set_pre_padding(list(shape.before))
      .set_post_padding(list(shape.after))
      .set_stride(list(shape.stride))
      .set_dilation({1, 1, 1});
}

TensorHandle add_forward(Graph& graph, const ConvolutionPlanKey& key) {
  const auto x = input(graph, kFirst, key, describe_x),
             weight = input(graph, kSecond, key, describe_weight);
  const TensorHandle y =
      graph.conv_fprop(x, weight, with_geometry<fe::graph::Conv_fprop_attributes>(key.shape));
  describe_y(*y, key.shape);
  if (!key.has_bias) return y;
  y->set_data_type(fe::DataType_t::FLOAT);
  Tensor_attributes of_channels;
  lie_channels_innermost(of_channels, 1, key.shape.results, {1, 1, 1});
  const auto bias = graph.tensor(of_channels.set_uid(kBias).set_data_type(to_cudnn(key.dtype)));
  const TensorHandle sum = graph.pointwise(
      y, bias, fe::graph::Pointwise_attributes().set_mode(fe::PointwiseMode_t::ADD));
  describe_y(*sum, key.shape);
  return sum;
}

TensorHandle add_input_gradient(Graph& graph, const ConvolutionPlanKey& key) {
  const auto dy = input(graph, kFirst, key, describe_y),
             weight = input(graph, kSecond, key, describe_weight);
  const TensorHandle dx =
      graph.conv_dgrad(dy, weight, with_geometry<fe::graph::Conv_dgrad_attributes>(key.shape));
  describe_x(*dx, key.shape);
  return dx;
}

TensorHandle add_weight_gradient(Graph& graph, const ConvolutionPlanKey& key) {
  const auto x = input(graph, kFirst, key, describe_x), dy = input(graph, kSecond, key, describe_y);
  const TensorHandle dweight =
      graph.conv_wgrad(dy, x, with_geometry<fe::graph::Conv_wgrad_attributes>(key.shape));
  describe_weight(*dweight, key.shape);
  return dweight;
}

void require(fe::error_t status, const char* step, const ConvolutionPlanKey& key) {
  if (status.is_good()) return;
  constexpr const char* kParts[] = {"", ", gradient of its input", ", gradient of its weight"};
  const bool unknown = status.get_code() == fe::error_code_t::GRAPH_NOT_SUPPORTED ||
                       status.get_code() == fe::error_code_t::HEURISTIC_QUERY_FAILED ||
                       status.get_code() == fe::error_code_t::GRAPH_EXECUTION_PLAN_CREATION_FAILED;
  fail(unknown ? ExitCode::kUsage : ExitCode::kInternal,
       "cuDNN {}: convolution {}{} in {}: {} ({})", dnn_calls().cudnnGetVersion(),
       to_string(key.shape), kParts[static_cast<std::int64_t>(key.part)],
       name_of(static_cast<DType>(key.dtype)), status.get_message(), step);
}

PlanChoice choice_of(const ConvolutionPlanKey& key) {
  PlanChoice choice{// A alone finds no plan for some.
                    .modes = {fe::HeurMode_t::A, fe::HeurMode_t::B, fe::HeurMode_t::FALLBACK},
                    .unwanted = {fe::NumericalNote_t::NONDETERMINISTIC,
                                 fe::NumericalNote_t::REDUCED_PRECISION_REDUCTION},
                    .most_workspace = kMostConvolutionWorkspace};
  if (static_cast<DType>(key.dtype) == DType::kF32)  // TF32
    choice.unwanted.insert(choice.unwanted.end(), {fe::NumericalNote_t::TENSOR_CORE,
                                                   fe::NumericalNote_t::DOWN_CONVERT_INPUTS});
  return choice;
}

}  // namespace

ConvolutionGraph::ConvolutionGraph(const ConvolutionPlanKey& key, const PlanTarget& target,
                                   const PlanFiles& files) {
  auto graph = empty_graph(to_cudnn(key.dtype), target);
  constexpr decltype(&add_forward) kAdd[] = {add_forward, add_input_gradient, add_weight_gradient};
  kAdd[static_cast<std::int64_t>(key.part)](*graph, key)
      ->set_uid(kResult)
      .set_output(true)
      .set_data_type(to_cudnn(key.dtype));
  PlannedGraph made = plan(std::move(graph), choice_of(key), target, files);
  require(made.status, made.step, key);
  graph_ = std::move(made.graph);
  from_file_ = made.from_file;
  require(graph_->get_workspace_size(workspace_bytes_), "get_workspace_size", key);
}

ConvolutionGraph::~ConvolutionGraph() = default;

void ConvolutionGraph::run(cudnnHandle_t handle, const ConvolutionPointers& pointers) const {
  std::unordered_map<std::int64_t, void*> tensors{
      {kFirst, pointers.first}, {kSecond, pointers.second}, {kResult, pointers.result}};
  if (pointers.bias) tensors[kBias] = pointers.bias;
  cuda::run(*graph_, handle, tensors, workspace_bytes_, "a convolution", from_file_);
}

const ConvolutionGraph* convolution_graph(const ConvolutionPlanKey& key, Context& context) {
  static auto& graphs =  // as the context, never destroyed
      *new std::unordered_map<ConvolutionPlanKey, std::unique_ptr<ConvolutionGraph>, PlanKeyHash>;
  const auto known = graphs.find(key);
  if (known != graphs.end()) return known->second.get();
  const cudnnHandle_t handle = context.dnn();
  std::unique_ptr<ConvolutionGraph> graph;
  try {
    graph = std::make_unique<ConvolutionGraph>(key, handle, PlanFiles(plan_folder()));
  } catch (const Error& error) {
    if (error.code() != ExitCode::kUsage) throw;
    log_warning("{}; a kernel of our own does it, slowly", error.what());
  }
  return graphs.emplace(key, std::move(graph)).first->second.get();
}

}  // namespace muybridge::cuda
