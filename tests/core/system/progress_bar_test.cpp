#include "core/system/progress_bar.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cmath>

#include "core/log.h"
#include "tests/core/system/printed.h"

namespace muybridge {
namespace {

using namespace std::chrono_literals;
using testing::printed;

// A clock that goes when a test says so.
ProgressBar::Clock::time_point the_time{1h};
ProgressBar::Clock::time_point the_time_now() { return the_time; }
constexpr ProgressBar::Timing kByHand{.now = the_time_now};

TEST(ProgressBar, DurationsAreShort) {
  EXPECT_EQ(format_duration(0.2), "0s");
  EXPECT_EQ(format_duration(59.6), "1m 00s");
  EXPECT_EQ(format_duration(200), "3m 20s");
  EXPECT_EQ(format_duration(3 * 3600 + 61), "3h 01m");
  EXPECT_EQ(format_duration(50 * 3600), "2d 02h");
  EXPECT_EQ(format_duration(NAN), "?");
}

TEST(ProgressLine, TheBarTakesWhatTheTextLeaves) {
  EXPECT_EQ(progress_line(0.5, "text", "3m 20s", 44, false),
            "[=========          ] 50%  text  3m 20s left");
  EXPECT_EQ(progress_line(0.5, "text", "", 200, false),
            "[===============               ] 50%  text");
  EXPECT_EQ(progress_line(0.999, "text", "", 18, false), "[===== ] 99%  text");
  EXPECT_EQ(progress_line(0.5, "text", "", 16, false), "50%  text");
  EXPECT_EQ(progress_line(-1, "text", "", 80, false), "text");
}

TEST(ProgressLine, IsNeverWiderThanTheTerminal) {
  const std::string text = "step 300/2000  loss 0.1235  a file of \xE6\x98\xA0\xE7\x94\xBB.mp4";
  for (int columns = 0; columns < 120; ++columns) {
    const std::string line = progress_line(0.25, text, "3m 20s", columns, false);
    // Each of the two wide characters is three bytes in two columns.
    const auto wide = std::ranges::count(line, '\xE6') + std::ranges::count(line, '\xE7');
    EXPECT_LE(static_cast<std::ptrdiff_t>(line.size()) - wide, columns) << line;
    EXPECT_TRUE(line.empty() || line.find("25%") != std::string::npos || columns < 5) << line;
  }
}

TEST(ProgressLine, HasNothingThatMovesTheCursor) {
  EXPECT_EQ(progress_line(-1, "a\nb\r\x1b[2J\xFF!", "", 80, false), "a?b??[2J?!");
}

TEST(ProgressBar, ATerminalGetsABarThatIsTakenAwayInTheEnd) {
  const std::string text = printed(true, {}, [](int) {
    ProgressBar bar(20, 0, kByHand);
    for (int done = 1; done <= 20; ++done) bar.update(done, "clips");
  });
  EXPECT_NE(text.find("\r[\x1b[32m"), std::string::npos) << text;
  EXPECT_NE(text.find("100%  clips"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  // Twenty updates at once are the first and the last.
  EXPECT_EQ(std::ranges::count(text, '\r'), 3) << text;
}

TEST(ProgressBar, NoColorIsHonoured) {
  const std::string text = printed(true, {.no_color = true}, [](int) {
    ProgressBar bar(2);
    bar.update(2, "clips");
  });
  EXPECT_NE(text.find("=] 100%  clips"), std::string::npos) << text;
  EXPECT_EQ(text.find("\x1b[32m"), std::string::npos) << text;
}

TEST(ProgressBar, FollowsATerminalThatIsResized) {
  const std::string text = printed(true, {.columns = 100, .no_color = true}, [](int terminal) {
    ProgressBar bar(10, 0, {.redraw = 0ms});
    bar.update(1, std::string(60, 'x'));
    winsize size{};
    size.ws_row = 24;
    size.ws_col = 40;
    ::ioctl(terminal, TIOCSWINSZ, &size);
    bar.update(2, std::string(60, 'y'));
  });
  EXPECT_NE(text.find(std::string(60, 'x')), std::string::npos) << text;
  EXPECT_NE(text.find("20%  yyyyy"), std::string::npos) << text;
  EXPECT_EQ(text.find(std::string(35, 'y')), std::string::npos) << text;
}

TEST(ProgressBar, WhatIsLoggedMeanwhileHasItsOwnLine) {
  const std::string text = printed(true, {.no_color = true}, [](int) {
    ProgressBar bar(10);
    bar.update(1, "clips");
    log_warning("a clip is damaged");
  });
  EXPECT_NE(text.find("\r\x1b[Kwarning a clip is damaged\r\n"), std::string::npos) << text;
}

TEST(ProgressBar, ATerminalIsDrawnTenTimesASecond) {
  const std::string text = printed(true, {.no_color = true}, [](int) {
    ProgressBar bar(10, 0, kByHand);
    for (int done = 1; done <= 5; ++done) {
      bar.update(done, "clips");
      the_time += 50ms;
    }
  });
  for (const char* share : {"10%", "30%", "50%"})
    EXPECT_NE(text.find(share), std::string::npos) << text;
  for (const char* share : {"20%", "40%"}) EXPECT_EQ(text.find(share), std::string::npos) << text;
}

TEST(ProgressBar, APipeGetsAPlainLineAMinute) {
  const auto job = [](int) {
    ProgressBar bar(10, 0, kByHand);
    the_time += 59s;
    bar.update(1, "too soon");
    the_time += 1s;
    bar.update(5, "half");
    bar.update(6, "too soon");
    the_time += 60s;
    bar.update(8, "more");
  };
  constexpr const char* kLines = "info 50%  half  1m 00s left\ninfo 80%  more  37s left\n";
  EXPECT_EQ(printed(false, {}, job), kLines);
  std::string terminal = printed(true, {.no_color = true, .kind = "dumb"}, job);
  std::erase(terminal, '\r');
  EXPECT_EQ(terminal, kLines);
}

TEST(ProgressBar, WithoutATotalThereIsOnlyTheText) {
  const std::string text = printed(true, {}, [](int) {
    ProgressBar bar(0);
    bar.update(3, "3 clips");
  });
  EXPECT_EQ(text, "\r3 clips\x1b[K\r\x1b[K");
}

TEST(ProgressBar, TheTimeLeftIsThatOfThisProcess) {
  ProgressBar::Timing timing = kByHand;
  timing.redraw = timing.plain_line = 0ms;
  ProgressBar bar(1000, 900, timing);
  EXPECT_FALSE(std::isfinite(bar.seconds_left()));
  the_time += 2s;
  bar.update(910, "");
  EXPECT_NEAR(bar.seconds_left(), 18, 1e-9);  // nine times as long as it took for ten
}

}  // namespace
}  // namespace muybridge
