#include "data/synthetic/synthetic_corpus.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class SyntheticCorpus : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              fmt::format("synthetic-corpus-{}-{}", ::getpid(),
                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

CorpusPlan small_plan() {
  CorpusPlan plan;
  plan.clip = {.width = 32, .height = 32, .frames = 4};
  plan.train = 6;
  plan.validation = 3;
  return plan;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

std::string complaint(const CorpusPlan& plan, const fs::path& folder) {
  try {
    make_corpus(plan, folder);
  } catch (const Error& error) {
    return error.code() == ExitCode::kUsage ? error.what() : "wrong code";
  }
  return "";
}

TEST_F(SyntheticCorpus, WritesAVideoAndACaptionForEachClipOfBothSplits) {
  const CorpusReport report = make_corpus(small_plan(), folder_);
  EXPECT_EQ(report.made, 9);
  const auto files = files_of(folder_);
  EXPECT_EQ(files.size(), 2U * 9 + 1);
  const CorpusPlan plan = small_plan();
  EXPECT_EQ(files.at("validation/000002.txt"),
            synthesize(plan.kind, plan.clip, plan.seed, Split::kValidation, 2).caption + "\n");
  EXPECT_TRUE(files.contains("train/000005.mp4"));
}

TEST_F(SyntheticCorpus, IsTheSameForAnyNumberOfThreads) {
  CorpusPlan plan = small_plan();
  plan.threads = 1;
  make_corpus(plan, folder_ / "one");
  plan.threads = 5;
  make_corpus(plan, folder_ / "five");
  EXPECT_EQ(files_of(folder_ / "one"), files_of(folder_ / "five"));
}

TEST_F(SyntheticCorpus, GoesOnAfterAStop) {
  make_corpus(small_plan(), folder_);
  const auto whole = files_of(folder_);
  fs::remove(folder_ / "train/000003.mp4");             // stopped between caption and video
  std::ofstream(folder_ / "train/000004.mp4").flush();  // the power failed
  std::ofstream(folder_ / "train/000004.mp4.123.part") << "half";
  const CorpusReport report = make_corpus(small_plan(), folder_);
  EXPECT_EQ(report.made, 2);
  EXPECT_EQ(report.kept, 7);
  EXPECT_EQ(files_of(folder_), whole);
}

TEST_F(SyntheticCorpus, GrowsWithoutChangingWhatIsThere) {
  CorpusPlan plan = small_plan();
  make_corpus(plan, folder_);
  const auto before = files_of(folder_);
  plan.train = 8;
  EXPECT_EQ(make_corpus(plan, folder_).made, 2);
  const auto after = files_of(folder_);
  for (const auto& [name, content] : before) {
    if (name == ".corpus.json") continue;
    EXPECT_EQ(after.at(name), content) << name;
  }
}

TEST_F(SyntheticCorpus, RefusesAFolderThatHoldsSomethingElse) {
  CorpusPlan plan = small_plan();
  make_corpus(plan, folder_ / "corpus");
  plan.clip.width = 48;
  EXPECT_NE(complaint(plan, folder_ / "corpus").find("width 32, not 48"), std::string::npos)
      << complaint(plan, folder_ / "corpus");
  plan = small_plan();
  plan.train = 5;
  EXPECT_NE(complaint(plan, folder_ / "corpus").find("6 + 3"), std::string::npos);
  fs::create_directories(folder_ / "mine");
  std::ofstream(folder_ / "mine/holiday.mp4") << "x";
  EXPECT_NE(complaint(small_plan(), folder_ / "mine").find("new or empty"), std::string::npos);
  EXPECT_EQ(files_of(folder_ / "mine").size(), 1U);
}

TEST_F(SyntheticCorpus, ReportsProgressToTheEnd) {
  std::int64_t last = 0;
  make_corpus(small_plan(), folder_, [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(done, last + 1);
    EXPECT_EQ(total, 9);
    last = done;
  });
  EXPECT_EQ(last, 9);
}

}  // namespace
}  // namespace muybridge
