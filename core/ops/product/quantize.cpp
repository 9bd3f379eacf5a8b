#include "core/ops/product/quantize.h"

#include <stdexcept>

#include "core/launch.h"
#include "core/ops/product/quantize_functor.h"

namespace muybridge {
namespace {

constexpr std::int64_t kTile = functor::Quantize<float, F8E4M3>::kTileRows;
constexpr float kLeastScale = 0x1p-100F;  // whose inverse is finite

// f.operator()<T>() for the types that are quantized.
template <class F>
void dispatch_source(const Tensor& x, const F& f) {
  if (x.dtype() == DType::kF32) return f.template operator()<float>();
  if (x.dtype() == DType::kBF16) return f.template operator()<bf16>();
  throw std::invalid_argument(
      fmt::format("quantize: x is {}; f32 or bf16 is needed", name_of(x.dtype())));
}

void write_codes(const Tensor& from, const Tensor& scale, const Tensor& by_rows,
                 const Tensor& by_columns) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(from.raw()) % 16 == 0;
  const Tensor x = aligned ? from : from.clone();
  const std::int64_t rows = x.shape().rows(), columns = x.shape().back();
  const DType type = by_rows.defined() ? by_rows.dtype() : by_columns.dtype();
  dispatch_source(x, [&]<class T>() {
    dispatch_float8(type, "quantize", [&]<class F>() {
      for_rows(x.device(), (rows + kTile - 1) / kTile, kTile * columns,
               functor::Quantize<T, F>{
                   .x = x.data<T>(),
                   .scale = scale.data<float>(),
                   .rows = rows,
                   .columns = columns,
                   .by_rows = by_rows.defined() ? by_rows.data<F>() : nullptr,
                   .by_columns = by_columns.defined() ? by_columns.data<F>() : nullptr});
    });
  });
}

Tensor codes_by_rows(const Tensor& x, DType type) {
  return Tensor::empty({x.shape().rows(), x.shape().back()}, type, x.device());
}
Tensor codes_by_columns(const Tensor& x, DType type) {
  const std::int64_t rows = (x.shape().rows() + kTile - 1) / kTile * kTile;
  return Tensor::empty({x.shape().back(), rows}, type, x.device());
}

void require_columns(const Tensor& x) {
  if (x.shape().rank() == 0 || x.shape().back() % 16 != 0)
    throw std::invalid_argument(
        fmt::format("quantize: x is {}; its last dimension must be a multiple of 16", x.shape()));
}

}  // namespace

Tensor scale_of(const Tensor& x, DType type) {
  const float most = dispatch_float8(type, "scale_of", [&]<class F>() { return F::largest(); });
  Tensor from = x;
  for (;;) {
    const std::int64_t n = from.numel();
    const std::int64_t width = functor::LargestMagnitude<float>::kColumns;
    const std::int64_t rows = std::max<std::int64_t>(1, (n + width - 1) / width);
    const bool last = rows == 1;
    const Tensor to = Tensor::empty({rows}, DType::kF32, x.device());
    dispatch_source(from, [&]<class T>() {
      for_rows(x.device(), rows, width,
               functor::LargestMagnitude<T>{.x = from.data<T>(),
                                            .n = n,
                                            .divisor = last ? most : 1,
                                            .least = last ? kLeastScale : 0,
                                            .to = to.data<float>()});
    });
    if (last) return to;
    from = to;
  }
}

Scaled quantize_rows(const Tensor& x, DType type) {
  require_columns(x);
  const Scaled result{.codes = codes_by_rows(x, type), .scale = scale_of(x, type)};
  write_codes(x, result.scale, result.codes, {});
  return result;
}

Scaled quantize_columns(const Tensor& x, DType type, const Tensor& scale) {
  require_columns(x);
  const Scaled result{.codes = codes_by_columns(x, type), .scale = scale};
  write_codes(x, scale, {}, result.codes);
  return result;
}

Quantized quantize(const Tensor& x, DType type) {
  require_columns(x);
  const Tensor scale = scale_of(x, type);
  const Quantized result{.by_rows = {codes_by_rows(x, type), scale},
                         .by_columns = {codes_by_columns(x, type), scale}};
  write_codes(x, scale, result.by_rows.codes, result.by_columns.codes);
  return result;
}

}  // namespace muybridge
