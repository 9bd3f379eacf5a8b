#include "data/shards/shard_about.h"

#include <fmt/format.h>

#include "data/shards/shard_hdf5.h"

namespace muybridge {

std::string hdf5_version() {
  const hdf5::Lock lock;  // sets the library up, if this is its first call
  unsigned major = 0, minor = 0, release = 0;
  if (H5get_libversion(&major, &minor, &release) < 0) return "unknown";
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace muybridge
