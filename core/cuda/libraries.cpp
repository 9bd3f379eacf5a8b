#include "core/cuda/libraries.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "core/error.h"

// The front end of cuDNN looks its functions up there: its own name for it.
namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

namespace muybridge::cuda {
namespace {

// Where the machine's search path has none: where the build found them.
void* open(const std::string& name) {
  if (void* const handle = dlopen(name.c_str(), RTLD_NOW)) return handle;
  const std::string reason = dlerror();
  for (const char* const folder : {CUDA_FOLDERS})
    if (void* const handle = dlopen(fmt::format("{}/{}", folder, name).c_str(), RTLD_NOW))
      return handle;
  fail(ExitCode::kUsage,
       "{}; install that library of CUDA, put its folder into LD_LIBRARY_PATH, or set device: cpu",
       reason);
}

template <class F>
void look_up(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (!function)
    fail(ExitCode::kUsage, "{}; another version of CUDA's libraries is needed", dlerror());
}

BlasCalls open_blas() {
  void* const library = open(fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR));
  BlasCalls calls{};
#define MUY_LOOK_UP(name) look_up(library, #name, calls.name);
  MUY_BLAS_CALLS(MUY_LOOK_UP)
  return calls;
}

DnnCalls open_dnn() {
  // Else the front end, which calls the runtime, too, may take one of another version.
  const std::string runtime = fmt::format("libcudart.so.{}", CUDART_VERSION / 1000);
  open(runtime);
  ::setenv("CUDNN_FRONTEND_CUDART_LIB_NAME", runtime.c_str(), /*overwrite=*/0);
  void* const library = open(fmt::format("libcudnn.so.{}", CUDNN_MAJOR));
  DnnCalls calls{};
  MUY_DNN_CALLS(MUY_LOOK_UP)
#undef MUY_LOOK_UP
  cudnn_frontend::cudnn_dlhandle = library;
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
