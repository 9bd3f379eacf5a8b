#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include "core/cuda/check.h"

// The functions of cuBLASLt and cuDNN that core calls. The libraries are opened when they are first
// asked for, so that a program built with CUDA starts where they are not.
namespace muybridge::cuda {

// Names cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define MUY_BLAS_CALLS(call)                                                                       \
  call(cublasLtCreate) call(cublasLtDestroy) call(cublasLtGetStatusString)                         \
      call(cublasLtMatmulDescCreate) call(cublasLtMatmulDescDestroy)                               \
          call(cublasLtMatmulDescSetAttribute) call(cublasLtMatrixLayoutCreate)                    \
              call(cublasLtMatrixLayoutDestroy) call(cublasLtMatmulPreferenceCreate)               \
                  call(cublasLtMatmulPreferenceDestroy) call(cublasLtMatmulPreferenceSetAttribute) \
                      call(cublasLtMatmulAlgoGetHeuristic) call(cublasLtMatmul)
#define MUY_DNN_CALLS(call)                                                           \
  call(cudnnCreate) call(cudnnDestroy) call(cudnnSetStream) call(cudnnGetErrorString) \
      call(cudnnGetVersion) call(cudnnGetCudartVersion)

#define MUY_CALL(name) decltype(&::name) name;
struct BlasCalls {
  MUY_BLAS_CALLS(MUY_CALL)
};
struct DnnCalls {
  MUY_DNN_CALLS(MUY_CALL)
};
#undef MUY_CALL
// NOLINTEND(bugprone-macro-parentheses)

// What the front end of cuDNN reads of it: bytes that attention's backward may hold of its scores
// so as to add up in a fixed order; -1: any number. From 9.25 on on Hopper it needs none, and gets
// none unless the user said otherwise.
inline constexpr const char* kScoreLimit = "CUDNN_FRONTEND_ATTN_DP_WORKSPACE_LIMIT";

// Throw Error(kUsage) with what is missing where the library cannot be opened.
const BlasCalls& blas_calls();
const DnnCalls& dnn_calls();

// Make a C handle a unique_ptr: std::unique_ptr<cudnnContext, DnnCloser<&DnnCalls::cudnnDestroy>>.
template <auto Destroy>
struct BlasCloser {
  void operator()(auto* handle) const noexcept { log_failure((blas_calls().*Destroy)(handle)); }
};
template <auto Destroy>
struct DnnCloser {
  void operator()(auto* handle) const noexcept { log_failure((dnn_calls().*Destroy)(handle)); }
};

}  // namespace muybridge::cuda
