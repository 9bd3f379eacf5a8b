#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace muybridge {

// Tells a person how far a long job is, on stderr:
//
//   ProgressBar bar(static_cast<double>(files));
//   bar.update(done, fmt::format("{} clips, {} skipped", clips, skipped));
//   // [=========           ] 43%  1,204 clips, 3 skipped  2m 10s left
//
// On a terminal it is the last line, drawn at most ten times a second, never wider than the
// terminal is at that moment; what is logged meanwhile takes it away first, and so does the
// destructor. Elsewhere (a pipe, a file, TERM=dumb) it is a plain line of the log a minute. Colour
// unless NO_COLOR is set. One at a time; threads may call update.
class ProgressBar {
 public:
  using Clock = std::chrono::steady_clock;
  struct Timing {
    std::chrono::milliseconds redraw{100};
    std::chrono::milliseconds plain_line{60'000};
    Clock::time_point (*now)() = &Clock::now;  // what it takes for the time
  };

  // `total` in any unit; 0 where it is unknown: then there is neither bar nor time left. `first` of
  // it were done before this process.
  explicit ProgressBar(double total, double first = 0) : ProgressBar(total, first, Timing{}) {}
  ProgressBar(double total, double first, Timing timing);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(double done, std::string_view text);
  // Takes the bar away, so that something else can be printed; the next update brings it back.
  void clear();
  // By the pace of about the last half minute; not finite before there is one.
  double seconds_left() const;
  bool on_terminal() const { return terminal_; }

 private:
  void note_pace(double done, Clock::time_point now);
  double share() const { return total_ > 0 ? done_ / total_ : -1; }
  std::string time_left() const;

  double total_;
  double done_;
  Timing timing_;
  bool terminal_;
  bool color_;
  bool drawn_ = false;
  double pace_seconds_ = 0;  // both fade, so that what is long ago counts little
  double pace_done_ = 0;
  Clock::time_point noted_;
  Clock::time_point shown_;
};

// "1h 04m", "3m 20s", "12s"; "?" for what is no time.
std::string format_duration(double seconds);

// The line that fits `columns`: the bar shrinks first and goes when there is no room, then the end
// of the text is cut. `share` in [0, 1], or below 0 where it is unknown. Control characters become
// '?'; a character that may be two columns wide counts as two.
std::string progress_line(double share, std::string_view text, std::string_view time_left,
                          int columns, bool color);

}  // namespace muybridge
