#include "core/system/host_name.h"

#include <unistd.h>

namespace muybridge {

std::string host_name() {
  char name[256] = "localhost";
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

}  // namespace muybridge
