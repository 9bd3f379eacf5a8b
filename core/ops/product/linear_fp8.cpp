#include "core/ops/product/linear_fp8.h"

#include <memory>
#include <optional>

#include "core/ops/accumulate.h"
#include "core/ops/product/linear.h"
#include "core/ops/product/matmul.h"
#include "core/ops/product/quantize.h"

namespace muybridge {
namespace {

constexpr DType kForward = DType::kF8E4M3, kBackward = DType::kF8E5M2;

// c = a b^T, both with what is summed over side by side.
void multiply(const Scaled& a, const Scaled& b, const Tensor& c, bool accumulate,
              const Tensor& bias = {}) {
  matmul(a.codes, b.codes, c,
         {.b = Trans::kYes,
          .accumulate = accumulate,
          .bias = bias,
          .scale_a = a.scale,
          .scale_b = b.scale});
}

// From forward to the two parts of backward.
struct Held {
  Tensor scale_x, scale_weight;
  Scaled x;                  // by columns; no codes where x itself is kept
  std::optional<Scaled> dy;  // by columns, from the first part to the second
};

}  // namespace

Var linear_fp8(const Var& x, const Var& weight, const Var& bias, KeptInput kept) {
  if (x.shape().numel() == 0) return linear(x, weight, bias);
  const Tensor rows = as_matrix(x.value());
  const Tensor y = Tensor::empty(shape_of_linear(x, weight), rows.dtype(), rows.device());
  const auto held = std::make_shared<Held>();
  const Scaled codes_of_weight = quantize_rows(weight.value(), kForward);
  held->scale_weight = codes_of_weight.scale;
  const bool by_columns = is_recording() && kept == KeptInput::kCodes && weight.requires_grad();
  Scaled codes;
  if (by_columns) {
    const Quantized both = quantize(rows, kForward);
    codes = both.by_rows;
    held->x = both.by_columns;
  } else {
    codes = quantize_rows(rows, kForward);
  }
  held->scale_x = codes.scale;
  multiply(codes, codes_of_weight, as_matrix(y), false, bias.defined() ? bias.value() : Tensor{});

  std::vector<Var> inputs{by_columns ? x.without_value() : x, weight};
  if (bias.defined()) inputs.push_back(bias);
  // The weight's codes are made again: in ZeRO 3 the weight itself does not stay either.
  const auto to_input = [held](Inputs in, const Tensor& dy) {
    const Tensor gradient = as_matrix(dy);
    if (!in[0].requires_grad()) return;
    const bool both = in[1].requires_grad();
    const Quantized codes_of_dy =
        both ? quantize(gradient, kBackward)
             : Quantized{.by_rows = quantize_rows(gradient, kBackward), .by_columns = {}};
    if (both) held->dy = codes_of_dy.by_columns;
    const GradSink sink = in[0].grad_sink();
    multiply(codes_of_dy.by_rows, quantize_columns(in[1].value(), kForward, held->scale_weight),
             as_matrix(sink.target), sink.accumulate);
  };
  const auto to_weights = [held](Inputs in, const Tensor& dy) {
    const Tensor gradient = as_matrix(dy);
    if (in[1].requires_grad()) {
      if (!held->dy)
        held->dy = quantize_columns(gradient, kBackward, scale_of(gradient, kBackward));
      if (!held->x.codes.defined())
        held->x = quantize_columns(as_matrix(in[0].value()), kForward, held->scale_x);
      const GradSink sink = in[1].grad_sink();
      multiply(*held->dy, held->x, sink.target, sink.accumulate);
    }
    if (in.size() > 2 && in[2].requires_grad()) in[2].add_grad(column_sums(gradient));
  };
  return Var::op(y, std::move(inputs), to_input, Dy::kOfValueType, {.first = 1, .run = to_weights});
}

}  // namespace muybridge
