#include "core/cuda/functors.h"
#include "core/cuda/launch.cuh"
#include "core/cuda/private_functors.h"

namespace muybridge::cuda {

Architectures compiled_architectures() {
  static constexpr int kList[] = {__CUDA_ARCH_LIST__};
  return {kList, static_cast<int>(sizeof kList / sizeof kList[0])};
}

#define MUY_ELEMENTS(...) template void for_elements(std::int64_t, const __VA_ARGS__&);
#define MUY_ROWS(...)
#define MUY_ROWS_SUM(A, ...)
#include "core/cuda/instances.inc"

using BiasF32 = functor::AddBias<float, float>;
using BiasF32Bf16 = functor::AddBias<float, bf16>;
using BiasBf16 = functor::AddBias<bf16, bf16>;
using BiasF64 = functor::AddBias<double, double>;
MUY_ELEMENTS(BiasF32)
MUY_ELEMENTS(BiasF32Bf16)
MUY_ELEMENTS(BiasBf16)
MUY_ELEMENTS(BiasF64)
MUY_ELEMENTS(functor::StridedCopy)
MUY_ELEMENTS(functor::SequenceTables)

}  // namespace muybridge::cuda
