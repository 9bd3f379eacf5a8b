// What a prepare takes of its machine, and that little of it gives the same.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/data/prepare/prepare_fixture.h"

namespace muybridge {
namespace {

TEST_F(Prepare, LittleMemoryGivesTheSameClips) {
  clip("a", 1, 5);
  run();
  const auto pixels = contents();
  ASSERT_EQ(pixels.size(), 5U);
  options_.output = folder_ / "little";
  options_.frame_memory = 10000;  // two frames
  run();
  EXPECT_EQ(contents(), pixels);
}

// The frames of a long scene wait in the output folder, not in memory.
TEST_F(Prepare, MemoryIsBoundedWhateverALengthIs) {
  write("in/large.txt", "large");
  ffmpeg("-f lavfi -i color=gray:s=1280x720:r=24 -frames:v 120 -preset ultrafast", "in/large.mp4");
  options_.settings.lengths = clip_lengths(120, 0, 1, 0);
  options_.frame_memory = 16 << 20;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto peak = [] {
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      return usage.ru_maxrss / 1024;
    };
    const long before = peak();
    const PrepareReport report = run();
    const long grown = peak() - before;  // 332 MB of frames are one clip
    fmt::print(stderr, "grown by {} MB\n", grown);
    std::_Exit(report.clips_made != 1 ? 2 : grown > 120 ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace muybridge
