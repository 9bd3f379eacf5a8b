#include "core/system/folder_lock.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>

#include "core/error.h"
#include "core/system/file.h"
#include "core/system/host_name.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class FolderLockTest : public testing::Test {
 protected:
  FolderLockTest()
      : path_(fs::temp_directory_path() / ("muybridge-lock-" + std::to_string(::getpid()))) {}
  ~FolderLockTest() override {
    release();
    fs::remove(path_);
  }

  // Another process takes the lock, and holds it until release().
  void hold() {
    int taken[2];
    ASSERT_EQ(::pipe(taken), 0);
    ASSERT_EQ(::pipe(release_), 0);
    holder_ = ::fork();
    if (holder_ == 0) {
      ::close(release_[1]);
      const FolderLock lock(path_, 0, "busy");
      static_cast<void>(!::write(taken[1], "x", 1));
      char byte;
      static_cast<void>(!::read(release_[0], &byte, 1));  // ends when the other end is closed
      ::_exit(0);
    }
    char byte;
    ASSERT_EQ(::read(taken[0], &byte, 1), 1);
  }
  void release() {
    if (holder_ <= 0) return;
    ::close(release_[1]);
    ::waitpid(holder_, nullptr, 0);
    holder_ = -1;
  }

  std::string refusal(double wait, double lease, ExitCode code = ExitCode::kUsage) const {
    try {
      const FolderLock lock(path_, wait, "busy", lease);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    return "";
  }

  fs::path path_;
  pid_t holder_ = -1;
  int release_[2] = {-1, -1};
};

TEST_F(FolderLockTest, TellsWhichProcessOfThisMachineHoldsIt) {
  hold();
  EXPECT_EQ(refusal(0, 60), "busy (it is process " + std::to_string(holder_) + " on this machine)");
  release();
  EXPECT_EQ(refusal(0, 60), "");
  EXPECT_EQ(read_file(path_), host_name() + " " + std::to_string(::getpid()) + "\n");
}

TEST_F(FolderLockTest, WaitsOutTheLeaseOfAnotherMachine) {
  hold();
  std::ofstream(path_) << "node-3.example 77\n";
  // Twice: the lease that ends in vain, and one within which the lock is let go.
  EXPECT_EQ(refusal(0, 0.2, ExitCode::kRankLost),
            "busy (it is process 77 on node-3.example; if that machine is gone for "
            "good, remove " +
                path_.string() + ")");
  // Another process waits; once it has said so the holder dies.
  int words[2];
  ASSERT_EQ(::pipe(words), 0);
  const pid_t waiting = ::fork();
  if (waiting == 0) {
    ::close(release_[1]);
    ::dup2(words[1], STDERR_FILENO);
    ::_exit(refusal(0, 600).empty() ? 0 : 1);
  }
  ::close(words[1]);
  std::string said;
  char byte;
  while (said.find("waiting, at most 600 s") == std::string::npos &&
         ::read(words[0], &byte, 1) == 1)
    said += byte;
  EXPECT_NE(said.find("waiting"), std::string::npos) << "it did not wait: " << said;
  ::kill(holder_, SIGKILL);
  int status = 0;
  ::waitpid(waiting, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path_), host_name() + " " + std::to_string(waiting) + "\n");
}

TEST_F(FolderLockTest, AnUnsignedFileIsSomebody) {
  hold();
  for (const char* content : {"", "rubbish", "\n", "a\nb c"}) {
    std::ofstream(path_) << content;
    EXPECT_EQ(refusal(0, 60), "busy (it is another process)") << content;
  }
}

// As on some network file systems: the system call itself says that there are none.
TEST_F(FolderLockTest, WhereTheFileSystemHasNoLocksItSaysSoAndGoesOn) {
  int words[2];
  ASSERT_EQ(::pipe(words), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(words[1], STDERR_FILENO);
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_flock, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{std::size(program), program};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) ::_exit(77);
    try {
      const FolderLock lock(path_, 0, "busy");
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(words[1]);
  std::string said;
  char block[4096];
  for (ssize_t got; (got = ::read(words[0], block, sizeof block)) > 0;)
    said.append(block, static_cast<std::size_t>(got));
  ::close(words[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this system has no seccomp filters";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_NE(said.find("this file system has no locks (No locks available)"), std::string::npos)
      << said;
}

}  // namespace
}  // namespace muybridge
