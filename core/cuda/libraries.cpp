#include "core/cuda/libraries.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "core/cuda/open_library.h"
#include "core/error.h"
#include "core/log.h"

// The front end of cuDNN looks its functions up there: its own name for it.
namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

namespace muybridge::cuda {
namespace {

BlasCalls open_blas() {
  const Library library(fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR));
  BlasCalls calls{};
#define MUY_LOOK_UP(name) library.look_up(#name, calls.name);
  MUY_BLAS_CALLS(MUY_LOOK_UP)
  return calls;
}

DnnCalls open_dnn() {
  // Else the front end, which calls the runtime, too, may take one of another version.
  const std::string runtime = fmt::format("libcudart.so.{}", CUDART_VERSION / 1000);
  const Library of_front_end(runtime);
  ::setenv("CUDNN_FRONTEND_CUDART_LIB_NAME", runtime.c_str(), /*overwrite=*/0);
  ::setenv(kScoreLimit, "0", /*overwrite=*/0);
  // What cuDNN compiles with it looks for it by name alone.
  try {
    const Library compiler(fmt::format("libnvrtc.so.{}", CUDART_VERSION / 1000));
  } catch (const Error& error) {
    log_warning("{}; cuDNN may need it", error.what());
  }
  const Library library(fmt::format("libcudnn.so.{}", CUDNN_MAJOR));
  DnnCalls calls{};
  MUY_DNN_CALLS(MUY_LOOK_UP)
#undef MUY_LOOK_UP
  constexpr std::size_t kOldest = 91800;  // before it attention's backward may make NaN on Hopper
  if (calls.cudnnGetVersion() < kOldest)
    fail(ExitCode::kUsage, "cuDNN {} is here, and 9.18 or later is needed: upgrade it",
         calls.cudnnGetVersion());
  cudnn_frontend::cudnn_dlhandle = library.handle();
  return calls;
}

}  // namespace

const BlasCalls& blas_calls() {
  static const BlasCalls calls = open_blas();
  return calls;
}

const DnnCalls& dnn_calls() {
  static const DnnCalls calls = open_dnn();
  return calls;
}

}  // namespace muybridge::cuda
