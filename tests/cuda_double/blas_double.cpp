// The calls of cuBLASLt that core makes, as products of oneDNN in f32 and of plain loops in f64.
// Column-major, as that library is; what it would refuse is refused, of 8 bits by what its manual
// says of FP8 on compute capability 9.0.
#include <cublasLt.h>
#include <oneapi/dnnl/dnnl.h>

#include <cstring>
#include <vector>

#include "core/float8.h"
#include "tests/cuda_double/device_memory.h"

namespace muybridge::emulator {
namespace {

struct Operation {
  cudaDataType scale_type;
  cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  cudaDataType bias_type = CUDA_R_32F;
  const void* bias = nullptr;
  const float *scale_a = nullptr, *scale_b = nullptr;
  std::int8_t fast_sums = 0;
};

struct Layout {
  cudaDataType type;
  std::int64_t rows, columns, stride;
};

Operation& operation_of(cublasLtMatmulDesc_t handle) {
  return *reinterpret_cast<Operation*>(handle);
}
const Layout& layout_of(cublasLtMatrixLayout_t handle) {
  return *reinterpret_cast<const Layout*>(handle);
}

std::size_t bytes_of(cudaDataType type) {
  return type == CUDA_R_64F ? 8 : type == CUDA_R_16BF ? 2 : type == CUDA_R_32F ? 4 : 1;
}
bool is_float8(cudaDataType type) { return type == CUDA_R_8F_E4M3 || type == CUDA_R_8F_E5M2; }

double number_at(const void* from, cudaDataType type, std::size_t i) {
  switch (type) {
    case CUDA_R_64F:
      return static_cast<const double*>(from)[i];
    case CUDA_R_16BF:
      return static_cast<float>(static_cast<const bf16*>(from)[i]);
    case CUDA_R_8F_E4M3:
      return static_cast<float>(static_cast<const F8E4M3*>(from)[i]);
    case CUDA_R_8F_E5M2:
      return static_cast<float>(static_cast<const F8E5M2*>(from)[i]);
    default:
      return static_cast<const float*>(from)[i];
  }
}

template <class T>
std::vector<T> read(const void* from, cudaDataType type, std::int64_t count) {
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<T>(number_at(from, type, i));
  return numbers;
}

template <class T>
void write(void* to, cudaDataType type, std::int64_t place, T number) {
  if (type == CUDA_R_64F)
    static_cast<double*>(to)[place] = static_cast<double>(number);
  else if (type == CUDA_R_16BF)
    static_cast<bf16*>(to)[place] = bf16(static_cast<float>(number));
  else
    static_cast<float*>(to)[place] = static_cast<float>(number);
}

struct Operand {
  const void* data;
  const Layout& layout;
  bool transposed;
  std::int64_t elements() const { return layout.stride * (layout.columns - 1) + layout.rows; }
};

// result [m, n], dense, by columns.
void multiply(const Operand& a, const Operand& b, std::int64_t m, std::int64_t n, std::int64_t k,
              float alpha, std::vector<float>& result) {
  const auto left = read<float>(a.data, a.layout.type, a.elements());
  const auto right = read<float>(b.data, b.layout.type, b.elements());
  // By columns it is the transposed product by rows.
  dnnl_sgemm(b.transposed ? 'T' : 'N', a.transposed ? 'T' : 'N', n, m, k, alpha, right.data(),
             b.layout.stride, left.data(), a.layout.stride, 0.0F, result.data(), m);
}
void multiply(const Operand& a, const Operand& b, std::int64_t m, std::int64_t n, std::int64_t k,
              double alpha, std::vector<double>& result) {
  const auto left = read<double>(a.data, a.layout.type, a.elements());
  const auto right = read<double>(b.data, b.layout.type, b.elements());
  const auto at = [](const Operand& x, std::int64_t row, std::int64_t column) {
    if (x.transposed) std::swap(row, column);
    return static_cast<std::size_t>(column * x.layout.stride + row);
  };
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < m; ++i) {
      double sum = 0;
      for (std::int64_t p = 0; p < k; ++p) sum += left[at(a, i, p)] * right[at(b, p, j)];
      result[static_cast<std::size_t>(j * m + i)] = alpha * sum;
    }
}

template <class T>
void run(const Operation& operation, const void* alpha, const Operand& a, const Operand& b,
         const void* beta, void* d, const Layout& layout) {
  const std::int64_t m = layout.rows, n = layout.columns,
                     k = a.transposed ? a.layout.rows : a.layout.columns;
  std::vector<T> result(static_cast<std::size_t>(m * n));
  T factor = *static_cast<const T*>(alpha);
  if (operation.scale_a) factor *= static_cast<T>(*operation.scale_a * *operation.scale_b);
  multiply(a, b, m, n, k, factor, result);
  const T kept = *static_cast<const T*>(beta);
  std::vector<T> before, bias;
  if (kept != 0) before = read<T>(d, layout.type, layout.stride * (n - 1) + m);
  if (operation.bias) bias = read<T>(operation.bias, operation.bias_type, m);
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < m; ++i) {
      const std::int64_t place = j * layout.stride + i;
      T number = result[static_cast<std::size_t>(j * m + i)];
      if (kept != 0) number += kept * before[static_cast<std::size_t>(place)];
      if (operation.bias) number += bias[static_cast<std::size_t>(i)];
      write(d, layout.type, place, number);
    }
}

// One operand of gradients at most; only "TN"; each extent that lies side by side in memory has 16
// bytes or a multiple; scales and a bias, of bf16, are read on the device.
bool is_supported_in_8_bits(const Operation& operation, const Layout& a, const Layout& b,
                            const Layout& d) {
  const auto in_16_bytes = [](std::int64_t count, const Layout& layout) {
    return count * static_cast<std::int64_t>(bytes_of(layout.type)) % 16 == 0;
  };
  const auto lies_well = [&](const Layout& layout) {
    return in_16_bytes(layout.rows, layout) && in_16_bytes(layout.stride, layout);
  };
  return is_float8(a.type) && is_float8(b.type) &&
         !(a.type == CUDA_R_8F_E5M2 && b.type == CUDA_R_8F_E5M2) &&
         (d.type == CUDA_R_32F || d.type == CUDA_R_16BF) && operation.scale_type == CUDA_R_32F &&
         operation.transpose_a == CUBLAS_OP_T && operation.transpose_b == CUBLAS_OP_N &&
         a.rows == b.rows && a.columns == d.rows && b.columns == d.columns && lies_well(a) &&
         lies_well(b) && lies_well(d) &&
         (operation.epilogue == CUBLASLT_EPILOGUE_DEFAULT || operation.bias_type == CUDA_R_16BF);
}

// Whether the shapes fit, and the types are a combination that cuBLASLt has.
bool is_supported(const Operation& operation, const Layout& a, const Layout& b, const Layout& d) {
  const auto rows = [](const Layout& x, cublasOperation_t t) {
    return t == CUBLAS_OP_T ? x.columns : x.rows;
  };
  const auto columns = [](const Layout& x, cublasOperation_t t) {
    return t == CUBLAS_OP_T ? x.rows : x.columns;
  };
  if (is_float8(a.type) || is_float8(b.type)) return is_supported_in_8_bits(operation, a, b, d);
  if (rows(a, operation.transpose_a) != d.rows || columns(b, operation.transpose_b) != d.columns ||
      columns(a, operation.transpose_a) != rows(b, operation.transpose_b) || a.type != b.type)
    return false;
  const bool f64 = operation.scale_type == CUDA_R_64F;
  if (f64 != (a.type == CUDA_R_64F) || f64 != (d.type == CUDA_R_64F)) return false;
  if (a.type == CUDA_R_32F && d.type != CUDA_R_32F) return false;
  return !f64 || operation.epilogue == CUBLASLT_EPILOGUE_DEFAULT;
}

template <class Handle, class T>
cublasStatus_t make(Handle* handle, T object) {
  *handle = reinterpret_cast<Handle>(new T(object));
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t take(T& target, const void* value, std::size_t bytes) {
  if (bytes != sizeof target) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&target, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

// Their linkage makes them the library's functions, in whatever namespace they stand.
extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) { return make(handle, char{}); }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<char*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasLtGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED ? "not supported" : "invalid value";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* handle, cublasComputeType_t /*type*/,
                                        cudaDataType_t scale_type) {
  return make(handle, Operation{.scale_type = scale_type});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle) {
  delete &operation_of(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  Operation& operation = operation_of(handle);
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return take(operation.transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return take(operation.transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return take(operation.epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return take(operation.bias_type, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return take(operation.bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER:
      return take(operation.scale_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER:
      return take(operation.scale_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM:
      return take(operation.fast_sums, value, bytes);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* handle, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t stride) {
  if (stride < static_cast<std::int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
  return make(handle, Layout{type, static_cast<std::int64_t>(rows),
                             static_cast<std::int64_t>(columns), stride});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle) {
  delete &layout_of(handle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* handle) {
  return make(handle, char{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle) {
  delete reinterpret_cast<char*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t /*handle*/,
                                                    cublasLtMatmulPreferenceAttributes_t /*which*/,
                                                    const void* /*value*/, std::size_t /*bytes*/) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t /*handle*/,
                                              cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t /*preference*/, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* found) {
  *found = 0;
  if (wanted < 1 || c != d) return CUBLAS_STATUS_INVALID_VALUE;
  if (!is_supported(operation_of(operation), layout_of(a), layout_of(b), layout_of(d)))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  results[0] = {};
  results[0].state = CUBLAS_STATUS_SUCCESS;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t descriptor,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t /*c_layout*/, void* d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* /*algorithm*/, void* workspace,
                              std::size_t workspace_bytes, cudaStream_t /*stream*/) {
  const Operation& operation = operation_of(descriptor);
  const Layout& out = layout_of(d_layout);
  const Operand left{a, layout_of(a_layout), operation.transpose_a == CUBLAS_OP_T};
  const Operand right{b, layout_of(b_layout), operation.transpose_b == CUBLAS_OP_T};
  if (!is_supported(operation, left.layout, right.layout, out)) return CUBLAS_STATUS_NOT_SUPPORTED;
  const auto lies_well = [](const void* data, const Layout& layout, std::int64_t elements) {
    return is_device_memory(data) &&
           is_one_block(data, static_cast<std::size_t>(elements) * bytes_of(layout.type));
  };
  if (c != d || !lies_well(a, left.layout, left.elements()) ||
      !lies_well(b, right.layout, right.elements()) ||
      !lies_well(d, out, out.stride * (out.columns - 1) + out.rows) ||
      !is_one_block(workspace, workspace_bytes))
    return CUBLAS_STATUS_INVALID_VALUE;
  if ((operation.epilogue == CUBLASLT_EPILOGUE_BIAS) != (operation.bias != nullptr))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (is_float8(left.layout.type)) {
    const auto is_aligned = [](const void* data) {
      return reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
    };
    const auto is_scale = [](const float* scale) {
      return scale != nullptr && is_device_memory(scale) && is_one_block(scale, sizeof *scale);
    };
    if (!is_aligned(a) || !is_aligned(b) || !is_aligned(d) || !is_scale(operation.scale_a) ||
        !is_scale(operation.scale_b))
      return CUBLAS_STATUS_INVALID_VALUE;
    // Gradients, of which one operand is E5M2, want all bits of their sums.
    if (operation.fast_sums != 0 &&
        (left.layout.type == CUDA_R_8F_E5M2 || right.layout.type == CUDA_R_8F_E5M2))
      return CUBLAS_STATUS_INVALID_VALUE;
  } else if (operation.scale_a != nullptr || operation.scale_b != nullptr ||
             operation.fast_sums != 0) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const DeviceAccess access;
  if (operation.scale_type == CUDA_R_64F)
    run<double>(operation, alpha, left, right, beta, d, out);
  else
    run<float>(operation, alpha, left, right, beta, d, out);
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"

}  // namespace muybridge::emulator
