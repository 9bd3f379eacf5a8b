#include "core/system/plan_files.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "core/system/file.h"
#include "tests/core/system/printed.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class PlanFilesTest : public ::testing::Test {
 protected:
  PlanFilesTest()
      : folder_(fs::temp_directory_path() / fmt::format("muybridge-plan-files-{}", ::getpid())),
        files_(folder_ / "made" / "by them") {}
  ~PlanFilesTest() override { fs::remove_all(folder_); }

  void last_used(const char* identity, int hours_ago) const {
    fs::last_write_time(files_.path_of(identity),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }

  fs::path folder_;
  PlanFiles files_;
};

const std::string kPlan("a\0plan", 6);

TEST_F(PlanFilesTest, GiveBackWhatWasWritten) {
  EXPECT_EQ(files_.read("x"), std::nullopt);
  files_.write("x", kPlan);
  EXPECT_EQ(files_.read("x"), kPlan);
  EXPECT_EQ(PlanFiles(files_.folder()).read("x"), kPlan);
  EXPECT_EQ(files_.read("x, cuDNN 9.99"), std::nullopt);
  files_.write("x", "another");
  EXPECT_EQ(files_.read("x"), "another");
}

TEST_F(PlanFilesTest, TakeNoFileOfAnotherIdentity) {
  files_.write("x", kPlan);
  fs::copy(files_.path_of("x"), files_.path_of("y"));
  EXPECT_EQ(files_.read("y"), std::nullopt);
}

TEST_F(PlanFilesTest, TakeNoDamagedFile) {
  files_.write("x", kPlan);
  const std::string whole = read_file(files_.path_of("x"));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 1;
    write_file_durably(files_.path_of("x"), damaged);
    EXPECT_EQ(files_.read("x"), std::nullopt) << "byte " << i;
    write_file_durably(files_.path_of("x"), whole.substr(0, i));
    EXPECT_EQ(files_.read("x"), std::nullopt) << "the first " << i << " bytes";
  }
  files_.write("x", kPlan);
  EXPECT_EQ(files_.read("x"), kPlan);
}

TEST_F(PlanFilesTest, AreNoneWithoutAFolderAndWhereTheDiskRefuses) {
  PlanFiles().write("x", kPlan);
  EXPECT_EQ(PlanFiles().read("x"), std::nullopt);
  fs::create_directories(folder_);
  write_file_durably(folder_ / "file", "");
  const PlanFiles below_a_file(folder_ / "file" / "plans");
  below_a_file.write("x", kPlan);
  EXPECT_EQ(below_a_file.read("x"), std::nullopt);
  fs::create_directories(files_.path_of("x"));
  EXPECT_EQ(files_.read("x"), std::nullopt);
  files_.write("x", kPlan);
  EXPECT_EQ(files_.read("x"), std::nullopt);
}

TEST_F(PlanFilesTest, AreReadWhereNothingCanBeWritten) {
  files_.write("x", kPlan);
  fs::permissions(files_.folder(), fs::perms(0555));
  constexpr uid_t kNobody = 65534;
  const uid_t self = ::geteuid();
  if (self == 0 && ::seteuid(kNobody) != 0) GTEST_SKIP() << "root may write everything";
  EXPECT_EQ(files_.read("x"), kPlan);
  files_.write("y", kPlan);
  files_.write("x", "another");
  EXPECT_EQ(files_.read("y"), std::nullopt);
  EXPECT_EQ(files_.read("x"), kPlan);
  ASSERT_EQ(::seteuid(self), 0);
  fs::permissions(files_.folder(), fs::perms(0755));
}

TEST_F(PlanFilesTest, MakeRoomForANewOneOfThoseNotUsedForLongest) {
  const std::string plan(3000, 'p');
  const PlanFiles three(files_.folder(), 10000);
  for (const char* each : {"a", "b", "c"}) three.write(each, plan);
  write_file_durably(files_.folder() / "notes", std::string(20000, 'n'));
  last_used("a", 3), last_used("b", 2), last_used("c", 1);
  EXPECT_EQ(three.read("a"), plan);
  three.write("d", plan);
  EXPECT_EQ(three.read("b"), std::nullopt);
  for (const char* each : {"a", "c", "d"}) EXPECT_EQ(three.read(each), plan) << each;
  EXPECT_TRUE(fs::exists(files_.folder() / "notes"));
  PlanFiles(files_.folder(), 1).write("e", plan);
  for (const char* each : {"a", "c", "d"}) EXPECT_EQ(three.read(each), std::nullopt) << each;
  EXPECT_EQ(three.read("e"), plan);
}

TEST_F(PlanFilesTest, AreReadWholeWhileOthersWriteThem) {
  const std::string plan(100000, 'p');
  files_.write("x", plan);
  std::atomic<int> writing{2};
  const auto write_often = [&] {
    for (int i = 0; i < 20; ++i) files_.write("x", plan);
    --writing;
  };
  const std::jthread one(write_often), other(write_often);
  do EXPECT_EQ(files_.read("x"), plan);
  while (writing > 0);
}

TEST_F(PlanFilesTest, AreWholeOrSilentlyGoneWhileOthersMakeRoom) {
  const std::string plan(100000, 'p');
  const std::string said = testing::printed(/*terminal=*/false, {}, [&](int) {
    std::atomic<int> writing{2};
    const auto write_often = [&](const char* identity) {
      const PlanFiles room_for_one(files_.folder(), 150000);
      for (int i = 0; i < 20; ++i) room_for_one.write(identity, plan);
      --writing;
    };
    const std::jthread one(write_often, "x"), other(write_often, "y");
    do
      if (files_.read("x").value_or(plan) != plan) std::fputs("another plan\n", stderr);
    while (writing > 0);
  });
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace muybridge
