#include "core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "core/console.h"
#include "core/text/printable.h"

namespace muybridge {
namespace {

struct Logging {
  std::shared_ptr<spdlog::sinks::stderr_color_sink_mt> console =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
          std::getenv("NO_COLOR") ? spdlog::color_mode::never : spdlog::color_mode::automatic);
  spdlog::logger logger{"muybridge", console};

  Logging() {
    logger.set_level(spdlog::level::debug);
    console->set_level(spdlog::level::info);
    console->set_pattern("%^%l%$ %v");
  }
};

Logging& logging() {
  static Logging instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void log_message(LogLevel level, const std::string& message) {
  const ConsoleTurn turn;
  turn.erase_open_line();
  logging().logger.log(to_spdlog(level), printable(message));
}

void set_log_level(LogLevel level) { logging().console->set_level(to_spdlog(level)); }

void set_log_rank(int rank, int ranks) {
  if (ranks > 1) logging().console->set_pattern(fmt::format("%^%l%$ rank {}: %v", rank));
  if (rank > 0) logging().console->set_level(spdlog::level::warn);
}

void open_log_file(const std::string& path) {
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
  sink->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  logging().logger.sinks().push_back(std::move(sink));
  logging().logger.flush_on(spdlog::level::debug);
}

}  // namespace muybridge
