#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace muybridge {

// What the process returns to the shell; launchers and schedulers act on it (docs/exit-codes.md).
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,       // a mistake on the command line or in a config
  kCorrupt = 65,    // data or a checkpoint that must not be trusted
  kRankLost = 69,   // another rank or node is gone
  kInternal = 70,   // our own bug, or a run that diverged
  kIo = 74,         // input/output failed, disk full
  kPreempted = 75,  // stopped on request after a commit: start the same command again
};

// An error with a place in the table above. The message says what, where, and what to do next.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

template <class... Args>
[[noreturn]] void fail(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

// "write(/x/y): No space left on device" with kIo; `error` is an errno value.
[[noreturn]] void fail_errno(const std::string& action, int error);

}  // namespace muybridge
