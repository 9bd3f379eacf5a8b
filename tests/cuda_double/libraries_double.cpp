// The functions of this folder in the place of the libraries'.
#include "core/cuda/libraries.h"

namespace muybridge::cuda {

#define MUY_TAKE(name) .name = &::name,
const BlasCalls& blas_calls() {
  static constexpr BlasCalls kCalls{MUY_BLAS_CALLS(MUY_TAKE)};
  return kCalls;
}
const DnnCalls& dnn_calls() {
  static constexpr DnnCalls kCalls{MUY_DNN_CALLS(MUY_TAKE)};
  return kCalls;
}
#undef MUY_TAKE

}  // namespace muybridge::cuda
