#include "core/error.h"

#include <cerrno>
#include <cstring>

namespace muybridge {

void fail_errno(const std::string& action, int error) {
  const char* advice = error == ENOSPC || error == EDQUOT ? "; free some space and run again" : "";
  fail(ExitCode::kIo, "{}: {}{}", action, std::strerror(error), advice);
}

}  // namespace muybridge
