#include "core/ops/product/matmul.h"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "core/cuda/matmul.h"
#include "core/float8.h"
#include "core/ops/accumulate.h"
#include "core/ops/onednn.h"
#include "core/parallel_for.h"

namespace muybridge {
namespace {

struct Extents {
  std::int64_t m, n, k;
};

void require_float8(const Tensor& a, const Tensor& b, const Tensor& c,
                    const MatmulOptions& options) {
  const bool fits = is_float8(b.dtype()) && options.a == Trans::kNo && options.b == Trans::kYes &&
                    !(a.dtype() == DType::kF8E5M2 && b.dtype() == DType::kF8E5M2) &&
                    b.shape()[0] % 16 == 0 && b.shape()[1] % 16 == 0 &&
                    (c.dtype() == DType::kF32 || c.dtype() == DType::kBF16);
  if (!fits || a.device() != b.device())
    throw std::invalid_argument(fmt::format(
        "matmul: a is {} {}, b is {} {}, c is {}; in 8 bits want [M,K] and [N,K] transposed, of "
        "which one may be f8e5m2, K and N multiples of 16, into f32 or bf16",
        name_of(a.dtype()), a.shape(), name_of(b.dtype()), b.shape(), name_of(c.dtype())));
  for (const Tensor* scale : {&options.scale_a, &options.scale_b})
    if (!scale->defined() || scale->numel() != 1 || scale->dtype() != DType::kF32 ||
        scale->device() != a.device())
      throw std::invalid_argument(
          "matmul: operands of 8 bits want a scale each, an f32 where they lie");
}

Extents checked_extents(const Tensor& a, const Tensor& b, const Tensor& c,
                        const MatmulOptions& options) {
  const bool ta = options.a == Trans::kYes, tb = options.b == Trans::kYes;
  const Shape &sa = a.shape(), &sb = b.shape(), &sc = c.shape();
  const bool ok = sa.rank() == 2 && sb.rank() == 2 && sc.rank() == 2 &&
                  sa[ta ? 0 : 1] == sb[tb ? 1 : 0] && sc[0] == sa[ta ? 1 : 0] &&
                  sc[1] == sb[tb ? 0 : 1];
  if (!ok)
    throw std::invalid_argument(
        fmt::format("matmul: a is {}{}, b is {}{}, c is {}; want [M,K] [K,N] [M,N]", sa,
                    ta ? " transposed" : "", sb, tb ? " transposed" : "", sc));
  if (is_float8(a.dtype()))
    require_float8(a, b, c, options);
  else
    require_same_kind("matmul", {&a, &b});
  if (options.bias.defined()) require_shape("matmul", "bias", options.bias, {sc[1]});
  return {sc[0], sc[1], sa[ta ? 0 : 1]};
}

dnnl::memory::desc matrix(std::int64_t rows, std::int64_t columns, DType dtype, Trans trans) {
  const dnnl::memory::dims strides =
      trans == Trans::kYes ? dnnl::memory::dims{1, rows} : dnnl::memory::dims{columns, 1};
  return {{rows, columns}, to_dnnl(dtype), strides};
}

// What oneDNN compiles a kernel for.
struct Key {
  std::int64_t m, n, k;
  std::uint8_t trans_a, trans_b, accumulate, bias, dtype_ab, dtype_c, dtype_bias, zero = 0;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

struct Product {
  dnnl::matmul primitive;
  dnnl::memory a, b, c, bias;
};

Product build(const Key& key, const MatmulOptions& options, DType ab, DType c, DType bias) {
  const auto desc_a = matrix(key.m, key.k, ab, options.a);
  const auto desc_b = matrix(key.k, key.n, ab, options.b);
  const auto desc_c = matrix(key.m, key.n, c, Trans::kNo);
  dnnl::primitive_attr attributes;
  if (options.accumulate) {
    dnnl::post_ops post_ops;
    post_ops.append_sum(1.0F);
    attributes.set_post_ops(post_ops);
  }
  const dnnl::memory::desc desc_bias =
      key.bias ? dnnl::memory::desc{{1, key.n}, to_dnnl(bias), dnnl::memory::dims{key.n, 1}}
               : dnnl::memory::desc{};
  const dnnl::matmul::desc description = key.bias
                                             ? dnnl::matmul::desc(desc_a, desc_b, desc_bias, desc_c)
                                             : dnnl::matmul::desc(desc_a, desc_b, desc_c);
  const dnnl::matmul::primitive_desc primitive(description, attributes, onednn_engine());
  Product product{.primitive = dnnl::matmul(primitive),
                  .a = dnnl::memory(desc_a, onednn_engine(), nullptr),
                  .b = dnnl::memory(desc_b, onednn_engine(), nullptr),
                  .c = dnnl::memory(desc_c, onednn_engine(), nullptr)};
  if (key.bias) product.bias = dnnl::memory(desc_bias, onednn_engine(), nullptr);
  return product;
}

Product& cached_product(const Key& key, const MatmulOptions& options, DType ab, DType c,
                        DType bias) {
  constexpr std::size_t kMost = 2048;  // a training step has some hundreds
  thread_local std::unordered_map<Key, Product, KeyHash> cache;
  const auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  if (cache.size() >= kMost) cache.clear();
  return cache.emplace(key, build(key, options, ab, c, bias)).first->second;
}

// Whether oneDNN multiplies bf16 here: it wants AVX-512.
bool library_takes_bf16() {
  static const bool takes = [] {
    const auto operand = matrix(16, 16, DType::kBF16, Trans::kNo);
    const dnnl::matmul::desc description(operand, operand, operand);
    return static_cast<bool>(
        dnnl::matmul::primitive_desc(description, onednn_engine(), /*allow_empty=*/true));
  }();
  return takes;
}

// Elsewhere f32 does it: it holds each product of two bf16, sums as the library would, and the
// result is rounded once.
void matmul_through_f32(const Tensor& a, const Tensor& b, const Tensor& c, MatmulOptions options) {
  const bool rounds = c.dtype() != DType::kF32, adds = options.accumulate;
  const Tensor wide = rounds ? Tensor::empty(c.shape(), DType::kF32) : c;
  if (options.bias.defined()) options.bias = options.bias.to(DType::kF32);
  if (rounds) options.accumulate = false;
  matmul(a.to(DType::kF32), b.to(DType::kF32), wide, options);
  if (rounds) adds ? accumulate(c, wide) : cast(wide, c);
}

Tensor widened(const Tensor& codes) {
  const Tensor wide = Tensor::empty(codes.shape(), DType::kBF16);
  dispatch_float8(codes.dtype(), "matmul", [&]<class F>() {
    parallel_for(codes.numel(), [from = codes.data<F>(), to = wide.data<bf16>()](std::int64_t begin,
                                                                                 std::int64_t end) {
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) to[i] = bf16(static_cast<float>(from[i]));
    });
  });
  return wide;
}

// As cuBLASLt does it: the scales, what is there, the bias, and one rounding.
void matmul_float8(const Extents& e, const Tensor& a, const Tensor& b, const Tensor& c,
                   const MatmulOptions& options) {
  const Tensor sums = Tensor::empty(c.shape(), DType::kF32);
  matmul(widened(a), widened(b), sums, {.b = Trans::kYes});
  const float scale = *options.scale_a.data<float>() * *options.scale_b.data<float>();
  const Tensor bias =
      options.bias.defined() ? options.bias.to(DType::kF32) : Tensor::zeros({e.n}, DType::kF32);
  dispatch_float(c.dtype(), "matmul", [&]<class T>() {
    using A = Accumulator<T>;
    parallel_for(
        e.m,
        [&, sum = sums.data<float>(), add = bias.data<float>(), out = c.data<T>()](
            std::int64_t begin, std::int64_t end) {
          for (std::int64_t row = begin; row < end; ++row)
#pragma omp simd
            for (std::int64_t j = 0; j < e.n; ++j) {
              const std::int64_t at = row * e.n + j;
              const A before = options.accumulate ? static_cast<A>(out[at]) : A{0};
              out[at] = static_cast<T>(static_cast<A>(scale * sum[at] + add[j]) + before);
            }
        },
        std::max<std::int64_t>(1, 16384 / e.n));
  });
}

// No library takes a product of nothing: zero, and the bias.
void empty_product(const Tensor& c, const MatmulOptions& options) {
  if (!options.accumulate) c.fill_zero();
  if (!options.bias.defined()) return;
  const Tensor bias = options.bias.to(c.dtype());
  for (std::int64_t row = 0; row < c.shape()[0]; ++row) {
    const Tensor out = c.rows(row, 1).reshape(bias.shape());
    if (options.accumulate)
      accumulate(out, bias);
    else
      out.copy_from(bias);
  }
}

// For gradient checks: exactness counts, not speed.
void matmul_f64(const Extents& e, const Tensor& a, const Tensor& b, const Tensor& c,
                const MatmulOptions& options) {
  const double *pa = a.data<double>(), *pb = b.data<double>();
  double* pc = c.data<double>();
  const double* bias = options.bias.defined() ? options.bias.data<double>() : nullptr;
  const std::int64_t a_row = options.a == Trans::kYes ? 1 : e.k,
                     a_column = options.a == Trans::kYes ? e.m : 1;
  const std::int64_t b_row = options.b == Trans::kYes ? 1 : e.n,
                     b_column = options.b == Trans::kYes ? e.k : 1;
  parallel_for(
      e.m,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          for (std::int64_t j = 0; j < e.n; ++j) {
            double sum = (options.accumulate ? pc[i * e.n + j] : 0.0) + (bias ? bias[j] : 0.0);
            for (std::int64_t k = 0; k < e.k; ++k)
              sum += pa[i * a_row + k * a_column] * pb[k * b_row + j * b_column];
            pc[i * e.n + j] = sum;
          }
      },
      16);
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& c, const MatmulOptions& options) {
  const Extents e = checked_extents(a, b, c, options);
  if (e.m == 0 || e.n == 0) return;
  if (e.k == 0) return empty_product(c, options);
  if (a.device() == Device::kCuda) return cuda::matmul(a, b, c, options);
  if (is_float8(a.dtype())) return matmul_float8(e, a, b, c, options);
  if (a.dtype() == DType::kF64) return matmul_f64(e, a, b, c, options);
  if (a.dtype() == DType::kBF16 && !library_takes_bf16())
    return matmul_through_f32(a, b, c, options);
  const bool has_bias = options.bias.defined();
  const DType bias_dtype = has_bias ? options.bias.dtype() : DType::kF32;
  const Key key{.m = e.m,
                .n = e.n,
                .k = e.k,
                .trans_a = static_cast<std::uint8_t>(options.a),
                .trans_b = static_cast<std::uint8_t>(options.b),
                .accumulate = options.accumulate,
                .bias = has_bias,
                .dtype_ab = static_cast<std::uint8_t>(a.dtype()),
                .dtype_c = static_cast<std::uint8_t>(c.dtype()),
                .dtype_bias = static_cast<std::uint8_t>(bias_dtype)};
  Product& product = cached_product(key, options, a.dtype(), c.dtype(), bias_dtype);
  product.a.set_data_handle(a.raw());
  product.b.set_data_handle(b.raw());
  product.c.set_data_handle(c.raw());
  thread_local dnnl::stream stream(onednn_engine());
  if (has_bias) {
    product.bias.set_data_handle(options.bias.raw());
    product.primitive.execute(stream, {{DNNL_ARG_SRC, product.a},
                                       {DNNL_ARG_WEIGHTS, product.b},
                                       {DNNL_ARG_BIAS, product.bias},
                                       {DNNL_ARG_DST, product.c}});
  } else {
    product.primitive.execute(
        stream,
        {{DNNL_ARG_SRC, product.a}, {DNNL_ARG_WEIGHTS, product.b}, {DNNL_ARG_DST, product.c}});
  }
  stream.wait();
}

}  // namespace muybridge
