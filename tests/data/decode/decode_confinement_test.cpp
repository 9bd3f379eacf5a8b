#include "data/decode/decode_confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

namespace muybridge {
namespace {

// Whether `works` returns true in a process that is confined.
bool confined(const std::function<bool()>& works) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!confine_decoder()) ::_exit(2);
    ::_exit(works() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool refused(const std::function<long()>& call) {
  return confined([&] {
    errno = 0;
    return call() == -1 && errno == EPERM;
  });
}

class DecodeConfinementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(confine_decoder() ? 0 : 2);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "this build or kernel does not filter calls";
    ASSERT_EQ(status, 0);
  }
};

TEST_F(DecodeConfinementTest, OpensAndWritesNoFile) {
  EXPECT_TRUE(refused([] { return ::open("/dev/null", O_WRONLY); }));
  EXPECT_TRUE(refused([] { return ::open("/etc/passwd", O_RDONLY); }));
  EXPECT_TRUE(refused([] { return ::unlink("/tmp/nothing"); }));
  EXPECT_TRUE(refused([] { return ::mkdir("/tmp/nothing", 0700); }));
  EXPECT_TRUE(refused([] { return ::syscall(SYS_memfd_create, "x", 0U); }));
}

TEST_F(DecodeConfinementTest, TalksToNobody) {
  EXPECT_TRUE(refused([] { return ::socket(AF_INET, SOCK_STREAM, 0); }));
  EXPECT_TRUE(refused([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }));
  EXPECT_TRUE(refused([] { return ::kill(::getppid(), 0); }));
  EXPECT_TRUE(refused([] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }));
  EXPECT_TRUE(refused([] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }));
}

TEST_F(DecodeConfinementTest, StartsNoProgram) {
  EXPECT_TRUE(refused([] { return ::execl("/bin/true", "true", nullptr); }));
  EXPECT_TRUE(refused([] { return long{::fork()}; }));
  EXPECT_TRUE(refused([] { return long{::vfork()}; }));
  EXPECT_TRUE(refused([] {
    const void* code =
        ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED ? -1 : 0;
  }));
}

TEST_F(DecodeConfinementTest, LiftsNoLimit) {
  EXPECT_TRUE(refused([] {
    const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_CPU, &more);
  }));
}

TEST_F(DecodeConfinementTest, TakesMemoryAndStartsThreads) {
  EXPECT_TRUE(confined([] {
    std::vector<char> much(std::size_t{64} << 20, 1);
    std::atomic<int> sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { sum += much[0]; });
    for (std::thread& thread : threads) thread.join();
    much.resize(std::size_t{256} << 20, 2);
    return sum > 0 && much.back() == 2;
  }));
}

}  // namespace
}  // namespace muybridge
