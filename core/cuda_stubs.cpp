// What core calls of CUDA, for a build without a toolkit: CMake links this file instead of the
// sources in core/cuda.
#include "core/cuda/attention.h"
#include "core/cuda/convolution.h"
#include "core/cuda/copy_out.h"
#include "core/cuda/matmul.h"
#include "core/cuda/recorder.h"
#include "core/cuda/runtime.h"
#include "core/error.h"
#include "core/launch.h"

namespace muybridge::cuda {
namespace {

[[noreturn]] void no_cuda() {
  fail(ExitCode::kUsage,
       "this binary was built without CUDA; set device: cpu, or build where nvcc is found");
}

}  // namespace

bool available() noexcept { return false; }
std::string summary() { return "built without CUDA"; }
int device_count() noexcept { return 0; }
std::string device_identity(int) { no_cuda(); }
void use_device(int) { no_cuda(); }
DeviceMemory device_memory() { no_cuda(); }
bool multiplies_float8() { no_cuda(); }
std::int64_t widest_head(DType) { no_cuda(); }
void* allocate(std::size_t) { no_cuda(); }
void free(void*) noexcept {}
void copy(void*, const void*, std::size_t) { no_cuda(); }
void fill(void*, int, std::size_t) { no_cuda(); }
void synchronize() { no_cuda(); }
void record_instead_of_computing() { no_cuda(); }
std::vector<Recorded> take_recorded() { no_cuda(); }
void matmul(const Tensor&, const Tensor&, const Tensor&, const MatmulOptions&) { no_cuda(); }
void attention_forward(const AttentionShape&, const HeadColumns&, const HeadColumns&,
                       const HeadColumns&, const Tensor&, const Tensor&) {
  no_cuda();
}
void attention_backward(const AttentionShape&, const HeadColumns&, const HeadColumns&,
                        const HeadColumns&, const Tensor&, const Tensor&, const Tensor&,
                        const AttentionGradients&) {
  no_cuda();
}
void relative_attention(const AttentionShape&, const HeadColumns&, const HeadColumns&,
                        const HeadColumns&, const Tensor&, const Tensor&) {
  no_cuda();
}
struct CopyOut::Stream {};
CopyOut::CopyOut() { no_cuda(); }
CopyOut::~CopyOut() = default;
void CopyOut::begin(std::span<const Run>) { no_cuda(); }
void CopyOut::hold_back() const { no_cuda(); }
void CopyOut::wait() const { no_cuda(); }
PinnedPages::PinnedPages(void*, std::size_t) { no_cuda(); }
PinnedPages::~PinnedPages() = default;
void convolution_forward(const ConvolutionShape&, const Tensor&, const Tensor&, const Tensor&,
                         const Tensor&) {
  no_cuda();
}
void convolution_input_gradient(const ConvolutionShape&, const Tensor&, const Tensor&,
                                const Tensor&) {
  no_cuda();
}
void convolution_weight_gradient(const ConvolutionShape&, const Tensor&, const Tensor&,
                                 const Tensor&) {
  no_cuda();
}

template <class F>
void for_elements(std::int64_t, const F&) {
  no_cuda();
}
template <class F>
void for_rows(std::int64_t, const F&) {
  no_cuda();
}
template <class A, class F>
void for_rows_sum(std::span<const std::int32_t>, std::int64_t, const F&, A*) {
  no_cuda();
}

}  // namespace muybridge::cuda

#define MUY_ELEMENTS(...) \
  template void cuda::for_elements(std::int64_t, const functor::__VA_ARGS__&);
#define MUY_ROWS(...) template void cuda::for_rows(std::int64_t, const functor::__VA_ARGS__&);
#define MUY_ROWS_SUM(sum, ...)                                                  \
  template void cuda::for_rows_sum(std::span<const std::int32_t>, std::int64_t, \
                                   const functor::__VA_ARGS__&, sum*);
#include "core/cuda/functors.h"
