#include "core/system/temporary_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class TemporaryFileTest : public testing::Test {
 protected:
  TemporaryFileTest()
      : folder_(fs::temp_directory_path() / ("muybridge-temporary-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~TemporaryFileTest() override { fs::remove_all(folder_); }

  int files() const {
    return static_cast<int>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(TemporaryFileTest, BecomesItsTargetOrGoes) {
  {
    TemporaryFile file(folder_ / "a");
    std::ofstream(file.path()) << "new";
    EXPECT_FALSE(fs::exists(folder_ / "a"));
    file.publish();
  }
  EXPECT_EQ(read_file(folder_ / "a"), "new");
  {
    const TemporaryFile dropped(folder_ / "a");
    std::ofstream(dropped.path()) << "never";
  }
  EXPECT_EQ(read_file(folder_ / "a"), "new");
  EXPECT_EQ(files(), 1);
}

TEST_F(TemporaryFileTest, OfOneTargetNeverShareAName) {
  const TemporaryFile first(folder_ / "a"), second(folder_ / "a");
  EXPECT_NE(first.path(), second.path());
  EXPECT_TRUE(is_temporary_of(first.path().filename().string(), "a"));
  EXPECT_FALSE(is_temporary_of(first.path().filename().string(), "ab"));
  EXPECT_FALSE(is_temporary_of("a", "a"));
  const TemporaryFile longest(folder_ / std::string(250, 'x'));
  EXPECT_LE(longest.path().filename().string().size(), 255U);
}

// With one name for all, one of the writers finds its file renamed away by another.
TEST_F(TemporaryFileTest, ManyProcessesAndThreadsReplaceOneFileWithoutHarm) {
  constexpr int kProcesses = 4, kThreads = 2, kRounds = 40;
  const auto write_often = [&](char letter) {
    for (int i = 0; i < kRounds; ++i) write_file_durably(folder_ / "a", std::string(5000, letter));
  };
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < kThreads; ++thread)
          threads.emplace_back([&, thread] { write_often(static_cast<char>('a' + thread)); });
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  const std::string content = read_file(folder_ / "a");
  EXPECT_EQ(content, std::string(5000, content.at(0)));
  EXPECT_EQ(files(), 1);
}

TEST_F(TemporaryFileTest, AFailedWriteLeavesNothing) {
  fs::create_directories(folder_ / "target/full");
  EXPECT_THROW(write_file_durably(folder_ / "target", "x"), Error);
  EXPECT_EQ(files(), 1);
}

// A name that no file can have fails the removal, as a read-only disk does.
TEST_F(TemporaryFileTest, SaysNothingOfOneThatNeverWas) {
  ::testing::internal::CaptureStderr();
  { const TemporaryFile never(folder_ / std::string(300, 'x') / "a"); }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(TemporaryFileTest, OnlyOldOnesOfDeadProcessesAreCleanedUp) {
  const auto make = [&](bool of_dead_process) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = of_dead_process ? ::fork() : 1;
    if (child == 0) {
      const std::string name = TemporaryFile(folder_ / "a").path().string();
      static_cast<void>(!::write(ends[1], name.data(), name.size()));
      ::_exit(0);
    }
    char name[4096] = {};
    if (of_dead_process) {
      EXPECT_GT(::read(ends[0], name, sizeof name - 1), 0);
      ::waitpid(child, nullptr, 0);
    }
    const fs::path path = of_dead_process ? fs::path(name) : TemporaryFile(folder_ / "a").path();
    std::ofstream(path) << "x";
    return path;
  };
  const auto age = [](const fs::path& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(2));
  };
  const fs::path old_dead = make(true), young_dead = make(true), old_living = make(false);
  age(old_dead);
  age(old_living);
  std::ofstream(folder_ / "a") << "x";
  age(folder_ / "a");
  remove_stale_temporaries(folder_);
  EXPECT_FALSE(fs::exists(old_dead));
  EXPECT_TRUE(fs::exists(young_dead));
  EXPECT_TRUE(fs::exists(old_living));
  EXPECT_TRUE(fs::exists(folder_ / "a"));
  remove_stale_temporaries(folder_ / "not there");
}

}  // namespace
}  // namespace muybridge
