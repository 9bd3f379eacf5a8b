#pragma once

#include <mutex>
#include <string_view>

namespace muybridge {

// Held by whoever prints on stderr: loggers and the progress bar, which is a last line without an
// end, take turns.
class ConsoleTurn {
 public:
  ConsoleTurn();
  ConsoleTurn(const ConsoleTurn&) = delete;
  ConsoleTurn& operator=(const ConsoleTurn&) = delete;

  // Puts `line` in the place of the open last line, or begins one.
  void draw_open_line(std::string_view line) const;
  // Takes the open last line away, where there is one.
  void erase_open_line() const;

 private:
  std::unique_lock<std::mutex> turn_;
};

}  // namespace muybridge
