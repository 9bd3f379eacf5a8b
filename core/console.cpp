#include "core/console.h"

#include <cstdio>

namespace muybridge {
namespace {

std::mutex console;
bool line_is_open = false;  // under `console`

}  // namespace

ConsoleTurn::ConsoleTurn() : turn_(console) {}

void ConsoleTurn::draw_open_line(std::string_view line) const {
  std::fprintf(stderr, "\r%.*s\x1b[K", static_cast<int>(line.size()), line.data());
  std::fflush(stderr);
  line_is_open = true;
}

void ConsoleTurn::erase_open_line() const {
  if (!line_is_open) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  line_is_open = false;
}

}  // namespace muybridge
