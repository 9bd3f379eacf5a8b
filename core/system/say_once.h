#pragma once

#include <atomic>
#include <string_view>

#include "core/log.h"

namespace muybridge {

// Logs what may happen many times in a process: once for each flag.
inline void say_once(std::atomic<bool>& said, std::string_view what, std::string_view why) {
  if (!said.exchange(true)) log_info("{}: {} (said once, others may be so too)", what, why);
}

}  // namespace muybridge
