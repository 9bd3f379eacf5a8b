#include "core/cuda/launch.cuh"

#define MUY_ELEMENTS(...) \
  template void cuda::for_elements(std::int64_t, const functor::__VA_ARGS__&);
#include "core/cuda/functors.h"
#include "core/cuda/private_functors.h"

namespace muybridge::cuda {

Architectures compiled_architectures() {
  static constexpr int kList[] = {__CUDA_ARCH_LIST__};
  return {kList, static_cast<int>(sizeof kList / sizeof kList[0])};
}

}  // namespace muybridge::cuda
