#include "cli/thread_waiting.h"

#include <unistd.h>

#include <cstdlib>

namespace muybridge {

void bound_thread_spinning(char** argv) {
  constexpr const char* kSpins = "1000";  // some microseconds
  constexpr int kDoNotReplace = 0;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (::setenv("GOMP_SPINCOUNT", kSpins, kDoNotReplace) != 0) return;
  ::execv("/proc/self/exe", argv);
  // Where that cannot be: as it was, only slower beside others.
  ::unsetenv("GOMP_SPINCOUNT");
}

}  // namespace muybridge
