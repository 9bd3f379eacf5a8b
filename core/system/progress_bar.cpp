#include "core/system/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "core/console.h"
#include "core/log.h"
#include "core/text/utf8.h"

namespace muybridge {
namespace {

constexpr double kMemorySeconds = 30;
constexpr int kMostBar = 30, kLeastBar = 5;

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && std::string_view(kind ? kind : "") != "dumb";
}

// Bytes of the character that begins `text`, which is well-formed.
std::size_t character_bytes(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) ++bytes;
  return bytes;
}

// East Asian scripts and pictographs, which may be two columns wide, begin at U+1100, three bytes.
int columns_of(std::string_view character) {
  return character.size() > 2 && character >= "\xE1\x84\x80" ? 2 : 1;
}

std::string percent_text(double share) {
  return share < 0 ? "" : fmt::format("{:.0f}%  ", std::floor(100 * std::clamp(share, 0.0, 1.0)));
}

// The longest beginning of the text that fits, and how many columns it takes.
std::string fit(std::string_view text, int columns, int& taken) {
  std::string out;
  taken = 0;
  while (!text.empty()) {
    const bool valid = find_invalid_utf8(text) != 0;
    const std::size_t bytes = valid ? character_bytes(text) : 1;
    const auto first = static_cast<unsigned char>(text[0]);
    const bool shown = valid && first >= 0x20 && first != 0x7F;
    const std::string_view character = shown ? text.substr(0, bytes) : "?";
    if (taken + columns_of(character) > columns) break;
    taken += columns_of(character);
    out += character;
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(seconds, 1e12)));
  const std::int64_t minutes = whole / 60, hours = whole / 3600, days = whole / 86400;
  if (days > 0) return fmt::format("{}d {:02d}h", days, hours % 24);
  if (hours > 0) return fmt::format("{}h {:02d}m", hours, minutes % 60);
  if (minutes > 0) return fmt::format("{}m {:02d}s", minutes, whole % 60);
  return fmt::format("{}s", whole);
}

std::string progress_line(double share, std::string_view text, std::string_view time_left,
                          int columns, bool color) {
  const std::string percent = percent_text(share);
  const std::string end = time_left.empty() ? "" : fmt::format("  {} left", time_left);
  const int around = static_cast<int>(percent.size() + end.size());
  if (around >= columns) return fit(percent, columns, columns);
  int taken = 0;
  const std::string middle = fit(text, columns - around, taken);
  const int width = std::min(kMostBar, columns - around - taken - 3);  // two brackets and a space
  if (share < 0 || width < kLeastBar) return percent + middle + end;
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  const std::string done(static_cast<std::size_t>(full), '=');
  const std::string rest(static_cast<std::size_t>(width - full), ' ');
  return fmt::format("[{}{}{}{}] {}{}{}", color ? "\x1b[32m" : "", done, color ? "\x1b[0m" : "",
                     rest, percent, middle, end);
}

ProgressBar::ProgressBar(double total, double first, Timing timing)
    : total_(total),
      done_(first),
      timing_(timing),
      terminal_(is_terminal()),
      color_(std::getenv("NO_COLOR") == nullptr),
      noted_(timing.now()),
      shown_(terminal_ ? noted_ - timing.redraw : noted_) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::note_pace(double done, Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - noted_).count();
  const double fade = std::exp(-seconds / kMemorySeconds);
  pace_seconds_ = pace_seconds_ * fade + seconds;
  pace_done_ = pace_done_ * fade + std::max(0.0, done - done_);
  done_ = done;
  noted_ = now;
}

double ProgressBar::seconds_left() const {
  if (total_ <= 0 || pace_done_ <= 0) return std::numeric_limits<double>::infinity();
  return std::max(0.0, total_ - done_) * pace_seconds_ / pace_done_;
}

std::string ProgressBar::time_left() const {
  const double seconds = seconds_left();
  return std::isfinite(seconds) && done_ < total_ ? format_duration(seconds) : "";
}

// What is due: nothing, the bar, or a line of the log, which takes a turn of its own.
void ProgressBar::update(double done, std::string_view text) {
  std::string plain;
  {
    const ConsoleTurn turn;
    const Clock::time_point now = timing_.now();
    const bool end = total_ > 0 && done >= total_ && done_ < total_;
    if (now - shown_ < (terminal_ ? timing_.redraw : timing_.plain_line) && !(terminal_ && end))
      return;
    note_pace(done, now);
    shown_ = now;
    const std::string left = time_left();
    if (terminal_) {
      turn.draw_open_line(progress_line(share(), text, left, terminal_columns() - 1, color_));
      drawn_ = true;
      return;
    }
    plain = fmt::format("{}{}{}", percent_text(share()), text,
                        left.empty() ? "" : "  " + left + " left");
  }
  log_info("{}", plain);
}

void ProgressBar::clear() {
  const ConsoleTurn turn;
  if (drawn_) turn.erase_open_line();
  drawn_ = false;
}

}  // namespace muybridge
