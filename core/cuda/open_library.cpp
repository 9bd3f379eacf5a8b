#include "core/cuda/open_library.h"

#include <dlfcn.h>

#include "core/error.h"

namespace muybridge::cuda {

Library::Library(const std::string& name) : handle_(dlopen(name.c_str(), RTLD_NOW)) {
  if (handle_) return;
  const std::string reason = dlerror();
  for (const char* const folder : {CUDA_FOLDERS})
    if (handle_ = dlopen(fmt::format("{}/{}", folder, name).c_str(), RTLD_NOW); handle_) return;
  fail(ExitCode::kUsage,
       "{}; install that library of CUDA, put its folder into LD_LIBRARY_PATH, or set device: cpu",
       reason);
}

void* Library::address_of(const char* name) const {
  void* const address = dlsym(handle_, name);
  if (!address)
    fail(ExitCode::kUsage, "{}; another version of CUDA's libraries is needed", dlerror());
  return address;
}

}  // namespace muybridge::cuda
