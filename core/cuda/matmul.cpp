#include "core/cuda/matmul.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "core/cuda/context.h"
#include "core/cuda/determinism.h"
#include "core/cuda/libraries.h"
#include "core/cuda/private_functors.h"
#include "core/cuda/recorder.h"
#include "core/error.h"
#include "core/float8.h"
#include "core/launch.h"
#include "core/ops/activation_functor.h"

// cuBLASLt counts by columns, so it is told of transposes: where our rows give c = op(a) op(b), its
// columns of the same memory give c^T = op(b)^T op(a)^T, with no copy.
namespace muybridge::cuda {
namespace {

using Operation = std::unique_ptr<std::remove_pointer_t<cublasLtMatmulDesc_t>,
                                  BlasCloser<&BlasCalls::cublasLtMatmulDescDestroy>>;
using Layout = std::unique_ptr<std::remove_pointer_t<cublasLtMatrixLayout_t>,
                               BlasCloser<&BlasCalls::cublasLtMatrixLayoutDestroy>>;
using Preference = std::unique_ptr<std::remove_pointer_t<cublasLtMatmulPreference_t>,
                                   BlasCloser<&BlasCalls::cublasLtMatmulPreferenceDestroy>>;

// What an algorithm is chosen for. No padding: it is hashed as bytes.
struct Key {
  std::int64_t m, n, k;
  std::uint16_t align_a, align_b, align_c;  // bytes that the addresses are multiples of, up to 256
  std::uint8_t trans_a, trans_b, dtype_a, dtype_b, dtype_c, accumulate, bias;
  std::uint8_t zero[3] = {};
  bool operator==(const Key&) const = default;
};
static_assert(std::has_unique_object_representations_v<Key>);
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

struct Plan {
  Operation operation;
  Layout a, b, c;
  cublasLtMatmulAlgo_t algorithm{};
  bool bias_within = false;  // else it is added by a kernel of our own
};

cudaDataType to_cuda(DType dtype) {
  if (dtype == DType::kF32) return CUDA_R_32F;
  if (dtype == DType::kBF16) return CUDA_R_16BF;
  if (dtype == DType::kF64) return CUDA_R_64F;
  if (dtype == DType::kF8E4M3) return CUDA_R_8F_E4M3;
  if (dtype == DType::kF8E5M2) return CUDA_R_8F_E5M2;
  fail_dtype(dtype, "matmul");
}

std::uint16_t alignment(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer) | 256;
  return static_cast<std::uint16_t>(address & (~address + 1));
}

template <class T>
void set(const Operation& operation, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  CHECK_CUDA(blas_calls().cublasLtMatmulDescSetAttribute(operation.get(), attribute, &value,
                                                         sizeof value));
}

Operation make_operation(const Key& key) {
  const auto a = static_cast<DType>(key.dtype_a), b = static_cast<DType>(key.dtype_b);
  const bool f64 = a == DType::kF64;
  cublasLtMatmulDesc_t raw = nullptr;
  CHECK_CUDA(blas_calls().cublasLtMatmulDescCreate(
      &raw, f64 ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, f64 ? CUDA_R_64F : CUDA_R_32F));
  Operation operation(raw);
  // b is its first operand, a its second.
  set(operation, CUBLASLT_MATMUL_DESC_TRANSA, key.trans_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(operation, CUBLASLT_MATMUL_DESC_TRANSB, key.trans_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  // Sums in fewer bits than f32 has, which forward bears and gradients do not.
  if (a == DType::kF8E4M3 && b == a)
    set(operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
  return operation;
}

// A matrix of our rows by columns, as its columns by rows.
Layout make_layout(std::int64_t rows, std::int64_t columns, DType dtype) {
  cublasLtMatrixLayout_t raw = nullptr;
  CHECK_CUDA(blas_calls().cublasLtMatrixLayoutCreate(&raw, to_cuda(dtype),
                                                     static_cast<std::uint64_t>(columns),
                                                     static_cast<std::uint64_t>(rows), columns));
  return Layout(raw);
}

// `reductions`: how the parts of a product whose sum is split may be added up.
Preference make_preference(const Key& key, std::size_t workspace, std::uint32_t reductions) {
  cublasLtMatmulPreference_t raw = nullptr;
  CHECK_CUDA(blas_calls().cublasLtMatmulPreferenceCreate(&raw));
  Preference preference(raw);
  const auto set_one = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    CHECK_CUDA(
        blas_calls().cublasLtMatmulPreferenceSetAttribute(raw, attribute, &value, sizeof value));
  };
  set_one(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace));
  set_one(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions);
  set_one(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{key.align_b});
  set_one(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, std::uint32_t{key.align_a});
  set_one(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t{key.align_c});
  set_one(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t{key.align_c});
  return preference;
}

void set_scales(const Operation& operation, const MatmulOptions& options) {
  const void *const of_a = options.scale_a.raw(), *const of_b = options.scale_b.raw();
  set(operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, of_b);
  set(operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, of_a);
}

bool choose(Context& context, const Preference& preference, Plan& plan) {
  constexpr int kMost = 8;
  cublasLtMatmulHeuristicResult_t results[kMost]{};
  int found = 0;
  const cublasStatus_t status = blas_calls().cublasLtMatmulAlgoGetHeuristic(
      context.blas(), plan.operation.get(), plan.b.get(), plan.a.get(), plan.c.get(), plan.c.get(),
      preference.get(), kMost, results, &found);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || found == 0) return false;
  check(status, "cublasLtMatmulAlgoGetHeuristic", Place::current());
  for (int i = 0; i < found; ++i)
    if (results[i].state == CUBLAS_STATUS_SUCCESS) {
      plan.algorithm = results[i].algo;
      return true;
    }
  return false;
}

Plan build(Context& context, const Key& key, const MatmulOptions& options) {
  const auto a = static_cast<DType>(key.dtype_a), b = static_cast<DType>(key.dtype_b),
             c = static_cast<DType>(key.dtype_c);
  const auto operation = [&] {
    Operation made = make_operation(key);
    if (is_float8(a)) set_scales(made, options);
    return made;
  };
  Plan plan{.operation = operation(),
            .a = key.trans_a ? make_layout(key.k, key.m, a) : make_layout(key.m, key.k, a),
            .b = key.trans_b ? make_layout(key.n, key.k, b) : make_layout(key.k, key.n, b),
            .c = make_layout(key.m, key.n, c)};
  const std::size_t workspace = context.blas_workspace().bytes();
  // Through the workspace, in the type of the sums: the order of additions is fixed. In place they
  // come as the parts are done.
  const Preference preference =
      make_preference(key, workspace, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
  if (key.bias) {
    set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, to_cuda(c));
    const void* const bias = options.bias.raw();
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    if (choose(context, preference, plan)) {
      plan.bias_within = true;
      return plan;
    }
    plan.operation = operation();
  }
  if (choose(context, preference, plan)) return plan;
  const std::string shape = fmt::format("[{}, {}] x [{}, {}] of {} into {}", key.m, key.k, key.k,
                                        key.n, name_of(a), name_of(c));
  if (!choose(context, make_preference(key, workspace, CUBLASLT_REDUCTION_SCHEME_MASK), plan))
    fail(ExitCode::kInternal, "cuBLASLt has no product {}", shape);
  say_not_deterministic(LibraryOp::kMatmul, shape,
                        "cuBLASLt offers no plan with a fixed order of additions");
  return plan;
}

void record_product(const Key& key, const Tensor& a, const Tensor& b, const Tensor& c) {
  record(
      {.kind = is_float8(a.dtype()) ? Recorded::Kind::kProductOfFloat8 : Recorded::Kind::kProduct,
       .what = fmt::format("[{}, {}] x [{}, {}] of {} {} {}", key.m, key.k, key.k, key.n,
                           name_of(a.dtype()), key.accumulate ? "added to" : "into",
                           name_of(c.dtype())),
       .calls = 1,
       .bytes = static_cast<double>(a.bytes() + b.bytes() + c.bytes() * (key.accumulate ? 2 : 1)),
       .operations = 2.0 * static_cast<double>(key.m) * static_cast<double>(key.n) *
                     static_cast<double>(key.k)});
}

void add_bias(const Tensor& c, const Tensor& bias) {
  const std::int64_t n = bias.numel();
  const auto run = [&]<class T, class B>() {
    T* const rows = c.data<T>();
    for_rows(c.numel() / n, functor::AddBias<T, B>{rows, bias.data<B>(), n, rows});
  };
  if (c.dtype() == DType::kF64)
    run.template operator()<double, double>();
  else if (c.dtype() == DType::kBF16)
    run.template operator()<bf16, bf16>();
  else if (bias.dtype() == DType::kBF16)
    run.template operator()<float, bf16>();
  else
    run.template operator()<float, float>();
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& c, const MatmulOptions& options) {
  const bool has_bias = options.bias.defined();
  const std::int64_t k = a.shape()[options.a == Trans::kYes ? 0 : 1];
  if (k == 0) {
    if (!options.accumulate) c.fill_zero();
    if (has_bias) add_bias(c, options.bias);
    return;
  }
  const bool float8 = is_float8(a.dtype());
  // cuBLASLt's epilogue reads a bias of c's type, in vectors; for 8 bits, of bf16 alone.
  const bool try_bias = has_bias && options.bias.dtype() == c.dtype() &&
                        alignment(options.bias.raw()) >= 16 &&
                        !(float8 && c.dtype() == DType::kF32);
  const Key key{.m = c.shape()[0],
                .n = c.shape()[1],
                .k = k,
                .align_a = alignment(a.raw()),
                .align_b = alignment(b.raw()),
                .align_c = alignment(c.raw()),
                .trans_a = static_cast<std::uint8_t>(options.a),
                .trans_b = static_cast<std::uint8_t>(options.b),
                .dtype_a = static_cast<std::uint8_t>(a.dtype()),
                .dtype_b = static_cast<std::uint8_t>(b.dtype()),
                .dtype_c = static_cast<std::uint8_t>(c.dtype()),
                .accumulate = options.accumulate,
                .bias = try_bias};
  if (recording()) {
    record_product(key, a, b, c);
    if (has_bias && !try_bias) add_bias(c, options.bias);
    return;
  }
  Context& context = Context::get();
  bool bias_within = false;
  {
    const std::lock_guard lock(context.mutex());
    static std::unordered_map<Key, Plan, KeyHash>& plans =
        *new std::unordered_map<Key, Plan, KeyHash>;  // as the context, never destroyed
    auto found = plans.find(key);
    if (found == plans.end()) found = plans.emplace(key, build(context, key, options)).first;
    const Plan& plan = found->second;
    if (float8) set_scales(plan.operation, options);
    bias_within = plan.bias_within;
    if (bias_within) {
      const void* const bias = options.bias.raw();
      set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }
    const auto run = [&]<class A>() {
      const A one = 1, beta = options.accumulate ? 1 : 0;
      const Buffer& workspace = context.blas_workspace();
      CHECK_CUDA(blas_calls().cublasLtMatmul(
          context.blas(), plan.operation.get(), &one, b.raw(), plan.b.get(), a.raw(), plan.a.get(),
          &beta, c.raw(), plan.c.get(), c.raw(), plan.c.get(), &plan.algorithm, workspace.data(),
          workspace.bytes(), context.stream()));
    };
    dispatch_accumulator(accumulator_of(a.dtype()), "matmul", run);
  }
  if (has_bias && !bias_within) add_bias(c, options.bias);
}

}  // namespace muybridge::cuda
