#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace muybridge {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Logs go to stderr and, once opened, to the rank's file. Ranks above 0 print warnings and errors
// only; their file has everything. Control characters are shown, not obeyed. Thread-safe.
void log_message(LogLevel level, const std::string& message);
void set_log_level(LogLevel level);
void set_log_rank(int rank, int ranks);
void open_log_file(const std::string& path);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace muybridge
