#include "core/system/plan_folder.h"

#include <cstdlib>

namespace muybridge {
namespace {

// A relative one is to be ignored (XDG Base Directory Specification).
std::filesystem::path absolute_path_in(const char* variable) {
  const char* const text = std::getenv(variable);
  const std::filesystem::path path = text ? text : "";
  return path.is_absolute() ? path : std::filesystem::path();
}

}  // namespace

std::filesystem::path plan_folder() {
  constexpr const char* kPlans = "muybridge/plans";
  if (const auto cache = absolute_path_in("XDG_CACHE_HOME"); !cache.empty()) return cache / kPlans;
  if (const auto home = absolute_path_in("HOME"); !home.empty()) return home / ".cache" / kPlans;
  return {};
}

}  // namespace muybridge
