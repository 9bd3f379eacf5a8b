#pragma once

#include <string>

namespace muybridge::cuda {

// One of CUDA's libraries, opened for good: on the machine's search path, or where the build found
// it. Both throw Error(kUsage) with what to do.
class Library {
 public:
  explicit Library(const std::string& name);

  template <class F>
  void look_up(const char* name, F& function) const {
    function = reinterpret_cast<F>(address_of(name));
  }
  void* handle() const { return handle_; }

 private:
  void* address_of(const char* name) const;

  void* handle_;
};

}  // namespace muybridge::cuda
