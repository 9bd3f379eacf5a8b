#pragma once

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace muybridge::testing {

struct Screen {
  int columns = 100;
  bool no_color = false;
  const char* kind = "xterm";
};

// What a child process prints on a terminal, or on a pipe.
inline std::string printed(bool terminal, const Screen& screen,
                           const std::function<void(int)>& job) {
  int master = -1;
  int pipes[2] = {-1, -1};
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(screen.columns);
  pid_t child = -1;
  if (terminal) {
    child = ::forkpty(&master, nullptr, nullptr, &size);
  } else {
    EXPECT_EQ(::pipe(pipes), 0);
    child = ::fork();
    if (child == 0) ::dup2(pipes[1], STDERR_FILENO);
    master = pipes[0];
  }
  if (child == 0) {
    ::setenv("TERM", screen.kind, 1);
    screen.no_color ? ::setenv("NO_COLOR", "1", 1) : ::unsetenv("NO_COLOR");
    job(STDERR_FILENO);
    std::fflush(stderr);
    ::_exit(0);
  }
  if (!terminal) ::close(pipes[1]);
  std::string text;
  char block[4096];
  for (ssize_t got; (got = ::read(master, block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(got));
  ::close(master);
  ::waitpid(child, nullptr, 0);
  return text;
}

}  // namespace muybridge::testing
