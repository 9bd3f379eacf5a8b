#include "core/ops/convolution/convolution_parts.h"

#include <dnnl.hpp>
#include <string_view>
#include <unordered_map>

#include "core/cuda/convolution.h"
#include "core/ops/accumulate.h"
#include "core/ops/onednn.h"

namespace muybridge {
namespace {

using dnnl::memory;

enum class Part : std::int64_t { kForward, kInputGradient, kWeightGradient };

// What oneDNN compiles a kernel for.
struct Key {
  ConvolutionShape shape;
  Part part;
  std::int64_t dtype, has_bias;
  bool operator==(const Key&) const = default;
};
static_assert(std::has_unique_object_representations_v<Key>);
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

// oneDNN counts [N, C, T, H, W] whatever lies innermost: here it is C. Its kernels want weights in
// blocks, which they are brought to, and back from, each time.
struct Layouts {
  explicit Layouts(const Key& key)
      : dtype(to_dnnl(static_cast<DType>(key.dtype))),
        x(innermost(1, key.shape.channels, key.shape.size)),
        y(innermost(1, key.shape.results, key.shape.result_size())),
        weight(innermost(key.shape.results, key.shape.channels, key.shape.kernel)),
        bias({key.shape.results}, dtype, memory::format_tag::a),
        blocks(weight.dims(), dtype, memory::format_tag::any),
        stride(key.shape.stride.begin(), key.shape.stride.end()),
        before(key.shape.before.begin(), key.shape.before.end()),
        after(key.shape.after.begin(), key.shape.after.end()) {}

  memory::desc innermost(std::int64_t n, std::int64_t channels, const Extents3& size) const {
    return {{n, channels, size[0], size[1], size[2]}, dtype, memory::format_tag::ndhwc};
  }

  memory::data_type dtype;
  memory::desc x, y, weight, bias, blocks;
  memory::dims stride, before, after;
};

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc describe_forward(const Layouts& l, bool has_bias) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto description =
      has_bias ? dnnl::convolution_forward::desc(kind, kDirect, l.x, l.blocks, l.bias, l.y,
                                                 l.stride, l.before, l.after)
               : dnnl::convolution_forward::desc(kind, kDirect, l.x, l.blocks, l.y, l.stride,
                                                 l.before, l.after);
  return {description, onednn_engine()};
}

// A kernel and its operands: as ours lie, and the weight as the kernel wants it.
struct Kernel {
  dnnl::primitive primitive;
  memory first, second, bias, result;
  memory blocks;  // of the weight
};

Kernel build(const Key& key) {
  const Layouts l(key);
  dnnl::engine& engine = onednn_engine();
  const auto there = [&](const memory::desc& desc) { return memory(desc, engine, nullptr); };
  const auto forward = describe_forward(l, key.has_bias != 0);
  if (key.part == Part::kForward)
    return {.primitive = dnnl::convolution_forward(forward),
            .first = there(l.x),
            .second = there(l.weight),
            .bias = key.has_bias ? there(l.bias) : memory(),
            .result = there(l.y),
            .blocks = memory(forward.weights_desc(), engine)};
  if (key.part == Part::kInputGradient) {
    const dnnl::convolution_backward_data::primitive_desc backward(
        {kDirect, l.x, l.blocks, l.y, l.stride, l.before, l.after}, engine, forward);
    return {.primitive = dnnl::convolution_backward_data(backward),
            .first = there(l.y),
            .second = there(l.weight),
            .bias = {},
            .result = there(l.x),
            .blocks = memory(backward.weights_desc(), engine)};
  }
  const dnnl::convolution_backward_weights::primitive_desc backward(
      {kDirect, l.x, l.blocks, l.y, l.stride, l.before, l.after}, engine, forward);
  return {.primitive = dnnl::convolution_backward_weights(backward),
          .first = there(l.x),
          .second = there(l.y),
          .bias = {},
          .result = there(l.weight),
          .blocks = memory(backward.diff_weights_desc(), engine)};
}

Kernel& cached_kernel(const Key& key) {
  constexpr std::size_t kMost = 512;  // an autoencoder's step has some tens
  thread_local std::unordered_map<Key, Kernel, KeyHash> cache;
  const auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  if (cache.size() >= kMost) cache.clear();
  return cache.emplace(key, build(key)).first->second;
}

// `first` and `second` are the operands of the part in the order of its arguments.
void run(Part part, const ConvolutionShape& shape, const Tensor& first, const Tensor& second,
         const Tensor& bias, const Tensor& result) {
  Kernel& kernel = cached_kernel({.shape = shape,
                                  .part = part,
                                  .dtype = static_cast<std::int64_t>(first.dtype()),
                                  .has_bias = bias.defined()});
  kernel.first.set_data_handle(first.raw());
  kernel.second.set_data_handle(second.raw());
  kernel.result.set_data_handle(result.raw());
  thread_local dnnl::stream stream(onednn_engine());
  if (part == Part::kWeightGradient) {
    kernel.primitive.execute(stream, {{DNNL_ARG_SRC, kernel.first},
                                      {DNNL_ARG_DIFF_DST, kernel.second},
                                      {DNNL_ARG_DIFF_WEIGHTS, kernel.blocks}});
    dnnl::reorder(kernel.blocks, kernel.result).execute(stream, kernel.blocks, kernel.result);
    stream.wait();
    return;
  }
  dnnl::reorder(kernel.second, kernel.blocks).execute(stream, kernel.second, kernel.blocks);
  if (part == Part::kInputGradient) {
    kernel.primitive.execute(stream, {{DNNL_ARG_DIFF_DST, kernel.first},
                                      {DNNL_ARG_WEIGHTS, kernel.blocks},
                                      {DNNL_ARG_DIFF_SRC, kernel.result}});
  } else {
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, kernel.first},
                                              {DNNL_ARG_WEIGHTS, kernel.blocks},
                                              {DNNL_ARG_DST, kernel.result}};
    if (bias.defined()) {
      kernel.bias.set_data_handle(bias.raw());
      arguments[DNNL_ARG_BIAS] = kernel.bias;
    }
    kernel.primitive.execute(stream, arguments);
  }
  stream.wait();
}

bool library_takes_bf16() {
  static const bool takes = [] {
    const Layouts l({.shape = convolution_shape({1, 4, 4, 16}, {16, 1, 3, 3, 16}, {}),
                     .part = Part::kForward,
                     .dtype = static_cast<std::int64_t>(DType::kBF16),
                     .has_bias = 0});
    const dnnl::convolution_forward::desc description(dnnl::prop_kind::forward_training, kDirect,
                                                      l.x, l.blocks, l.y, l.stride, l.before,
                                                      l.after);
    return static_cast<bool>(dnnl::convolution_forward::primitive_desc(description, onednn_engine(),
                                                                       /*allow_empty=*/true));
  }();
  return takes;
}

bool through_f32(const Tensor& operand) {
  return operand.dtype() == DType::kBF16 && !library_takes_bf16();
}

// f32 holds each product of two bf16, sums as the library would, and the result is rounded once.
void run_through_f32(Part part, const ConvolutionShape& shape, const Tensor& first,
                     const Tensor& second, const Tensor& bias, const Tensor& result) {
  const Tensor wide = Tensor::empty(result.shape(), DType::kF32);
  run(part, shape, first.to(DType::kF32), second.to(DType::kF32),
      bias.defined() ? bias.to(DType::kF32) : Tensor{}, wide);
  cast(wide, result);
}

void run_on_cpu(Part part, const ConvolutionShape& shape, const Tensor& first, const Tensor& second,
                const Tensor& bias, const Tensor& result) {
  (through_f32(first) ? run_through_f32 : run)(part, shape, first, second, bias, result);
}

}  // namespace

void convolution_forward(const ConvolutionShape& shape, const Tensor& x, const Tensor& weight,
                         const Tensor& bias, const Tensor& y) {
  require_shape("convolution", "x", x, shape.x());
  require_shape("convolution", "weight", weight, shape.weight());
  require_shape("convolution", "y", y, shape.y());
  require_same_kind("convolution", {&x, &weight, &y});
  if (bias.defined()) {
    require_shape("convolution", "bias", bias, {shape.results});
    require_same_kind("convolution", {&x, &bias});
  }
  if (y.numel() == 0) return;
  if (x.dtype() == DType::kF64) return convolution_forward_by_formula(shape, x, weight, bias, y);
  if (x.device() == Device::kCuda) return cuda::convolution_forward(shape, x, weight, bias, y);
  run_on_cpu(Part::kForward, shape, x, weight, bias, y);
}

void convolution_input_gradient(const ConvolutionShape& shape, const Tensor& dy,
                                const Tensor& weight, const Tensor& dx) {
  require_shape("convolution", "dy", dy, shape.y());
  require_shape("convolution", "weight", weight, shape.weight());
  require_shape("convolution", "dx", dx, shape.x());
  require_same_kind("convolution", {&dy, &weight, &dx});
  if (dx.numel() == 0) return;
  if (dy.dtype() == DType::kF64)
    return convolution_input_gradient_by_formula(shape, dy, weight, dx);
  if (dy.device() == Device::kCuda) return cuda::convolution_input_gradient(shape, dy, weight, dx);
  run_on_cpu(Part::kInputGradient, shape, dy, weight, {}, dx);
}

void convolution_weight_gradient(const ConvolutionShape& shape, const Tensor& x, const Tensor& dy,
                                 const Tensor& dweight) {
  require_shape("convolution", "x", x, shape.x());
  require_shape("convolution", "dy", dy, shape.y());
  require_shape("convolution", "dweight", dweight, shape.weight());
  require_same_kind("convolution", {&x, &dy, &dweight});
  if (dweight.numel() == 0) return;
  if (x.dtype() == DType::kF64)
    return convolution_weight_gradient_by_formula(shape, x, dy, dweight);
  if (x.device() == Device::kCuda) return cuda::convolution_weight_gradient(shape, x, dy, dweight);
  run_on_cpu(Part::kWeightGradient, shape, x, dy, {}, dweight);
}

}  // namespace muybridge
