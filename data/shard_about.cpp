#include "data/shard_about.h"

#include <H5public.h>
#include <fmt/format.h>

namespace muybridge {

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  if (H5get_libversion(&major, &minor, &release) < 0) return "unknown";
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace muybridge
