#include "eval/sample_folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "core/system/file.h"
#include "core/system/host_name.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class SampleFolderTest : public ::testing::Test {
 protected:
  SampleFolderTest()
      : path_(fs::path(::testing::TempDir()) / fmt::format("samples-{}", ::getpid())) {}
  ~SampleFolderTest() override { fs::remove_all(path_); }

  // One call of `sample`: a clip with these bytes.
  std::vector<CollectedClip> call(const std::string& stem, const std::string& bytes,
                                  bool overwrite = false, bool pictures = false) const {
    SampleFolder folder(path_);
    CollectedClip clip{.record = {.prompt = stem, .file = stem + ".mp4", .scores = {}},
                       .model = "runs/x",
                       .step = 4,
                       .checkpoint = "00ff",
                       .settings = "16 AB2 steps",
                       .made = "2026-08-01T12:30:00Z"};
    std::ofstream(folder.workbench() / clip.record.file) << bytes;
    if (pictures) {
      clip.record.gif = stem + ".gif";
      clip.record.frames = stem;
      std::ofstream(folder.workbench() / clip.record.gif) << bytes;
      fs::create_directories(folder.workbench() / stem);
      std::ofstream(folder.workbench() / stem / "frame-0001.png") << bytes;
    }
    return folder.add({clip}, overwrite);
  }
  ExitCode refusal() const {
    try {
      const SampleFolder folder(path_);
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::kDone;
  }

  fs::path path_;
};

TEST_F(SampleFolderTest, ASecondCallAdds) {
  call("a", "1");
  call("b", "2");
  const std::vector<CollectedClip> clips = read_collection(path_);
  ASSERT_EQ(clips.size(), 2U);
  EXPECT_EQ(clips[1].record.prompt, "b");
  EXPECT_EQ(clips[1].settings, "16 AB2 steps");
  const std::string page = read_file(path_ / "index.html");
  EXPECT_LT(page.find("src=\"b.mp4\""), page.find("src=\"a.mp4\"")) << "the newest first";
}

// Of a process that was killed; that of one that lives, or is on another machine, stays.
TEST_F(SampleFolderTest, WorkbenchesThatNobodyHoldsAreRemoved) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const auto bench = [&](pid_t process, const std::string& host) {
    const fs::path folder = path_ / fmt::format(".sampling-{}@{}-abcdef", process, host);
    fs::create_directories(folder);
    std::ofstream(folder / "a.mp4") << "1";
    return folder;
  };
  const fs::path dead = bench(child, host_name()), alive = bench(::getppid(), host_name()),
                 elsewhere = bench(child, "other-host");
  call("a", "1");
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(alive / "a.mp4"));
  EXPECT_TRUE(fs::exists(elsewhere / "a.mp4"));
}

TEST_F(SampleFolderTest, WhatIsNoFolderIsAMistake) {
  std::ofstream(path_) << "a file";
  EXPECT_EQ(refusal(), ExitCode::kUsage);
  EXPECT_THROW(SampleFolder(""), Error);
  fs::remove(path_);
}

TEST_F(SampleFolderTest, ANameThatIsTakenGetsANumber) {
  call("a", "1", false, true);
  EXPECT_EQ(call("a", "2", false, true)[0].record.frames, "a-2");
  EXPECT_EQ(call("a", "3")[0].record.file, "a-3.mp4");
  EXPECT_EQ(read_file(path_ / "a.mp4"), "1");
  EXPECT_EQ(read_file(path_ / "a-2.gif"), "2");
  EXPECT_EQ(read_file(path_ / "a-2/frame-0001.png"), "2");
  EXPECT_EQ(read_collection(path_).size(), 3U);
}

TEST_F(SampleFolderTest, OverwritesWhenAskedTo) {
  call("a", "1", false, true);
  EXPECT_EQ(call("a", "2", /*overwrite=*/true)[0].record.file, "a.mp4");
  EXPECT_EQ(read_file(path_ / "a.mp4"), "2");
  EXPECT_FALSE(fs::exists(path_ / "a.gif")) << "of the clip that is gone";
  EXPECT_FALSE(fs::exists(path_ / "a"));
  EXPECT_EQ(read_collection(path_).size(), 1U);
}

TEST_F(SampleFolderTest, CallsAtOnceLoseNothing) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back([&, i] { call("a", std::to_string(i)); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(read_collection(path_).size(), 6U);
  EXPECT_TRUE(fs::exists(path_ / "a-6.mp4"));
}

TEST_F(SampleFolderTest, ForgetsClipsThatTheUserRemoved) {
  call("a", "1");
  call("b", "2");
  fs::remove(path_ / "a.mp4");
  call("c", "3");
  EXPECT_EQ(read_collection(path_).size(), 2U);
  EXPECT_EQ(read_file(path_ / "index.html").find("a.mp4"), std::string::npos);
}

TEST_F(SampleFolderTest, LeavesNothingBehind) {
  { const SampleFolder folder(path_); }
  call("a", "1");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{".lock", "a.mp4", "index.html", "samples.json"}));
}

TEST_F(SampleFolderTest, RefusesFoldersThatAreOfSomethingElse) {
  fs::create_directories(path_ / "checkpoints");
  EXPECT_EQ(refusal(), ExitCode::kUsage) << "a run";
  fs::remove(path_ / "checkpoints");
  std::ofstream(path_ / "index.html") << "<html>mine</html>";
  EXPECT_EQ(refusal(), ExitCode::kUsage) << "somebody's page";
  fs::remove(path_ / "index.html");
  write_sample_set(path_, {.step = 1, .checkpoint{}, .settings{}, .clips{}});
  EXPECT_EQ(refusal(), ExitCode::kUsage) << "an evaluation";
  std::ofstream(path_ / "samples.json") << "{";
  EXPECT_EQ(refusal(), ExitCode::kCorrupt);
}

TEST_F(SampleFolderTest, ThePageEscapesWhatOthersWrote) {
  const std::string evil = "</script><script>alert(1)</script>\xFF";
  SampleFolder folder(path_);
  std::ofstream(folder.workbench() / "a.mp4") << "1";
  folder.add({{.record = {.prompt = evil, .negative = evil, .file = "a.mp4", .scores = {}},
               .model = evil,
               .settings = evil,
               .made = evil}},
             false);
  const std::string page = read_file(folder.page());
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_EQ(page.find('\xFF'), std::string::npos);
}

}  // namespace
}  // namespace muybridge
