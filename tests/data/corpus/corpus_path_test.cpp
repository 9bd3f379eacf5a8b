#include "data/corpus/corpus_path.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "core/error.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using CorpusPath = MediaFolder;

TEST_F(CorpusPath, FaultsOfAPathAreNoErrors) {
  EXPECT_EQ(look_at(folder_ / "none").error, ENOENT);
  EXPECT_EQ(look_at(folder_ / std::string(300, 'x')).error, ENAMETOOLONG);
  EXPECT_EQ(look_at(folder_ / std::string(5000, 'x')).error, ENAMETOOLONG);
  EXPECT_EQ(look_at(write("file", "x") / "below").error, ENOTDIR);
  EXPECT_EQ(look_at(folder_ / std::string("file\0more", 9)).error, EINVAL);
  std::filesystem::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(look_at(folder_ / "loop").error, ELOOP);
  EXPECT_EQ(read_head(folder_ / "loop", 9).problem, "Too many levels of symbolic links");
}

TEST_F(CorpusPath, TellsFilesFromFolders) {
  EXPECT_TRUE(look_at(write("file", "x")).is_file());
  EXPECT_TRUE(look_at(folder_).is_folder());
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(look_at(folder_ / "pipe").kind, PathLook::Kind::kOther);
  EXPECT_EQ(read_head(folder_ / "pipe", 9).problem, "not a regular file");
}

TEST_F(CorpusPath, ReadsTheBeginning) {
  const auto file = write("file", std::string(200000, 'x'));
  EXPECT_EQ(read_head(file, 70000).text.size(), 70000U);
  EXPECT_EQ(read_head(file, 1 << 20).text, std::string(200000, 'x'));
  EXPECT_EQ(read_head(write("empty", ""), 9).text, "");
}

TEST_F(CorpusPath, WhatTheMachineLacksIsNoFaultOfAPath) {
  for (const int error : {EMFILE, ENFILE, ENOMEM, EIO, ESTALE, ENOSPC, EAGAIN, ETIMEDOUT}) {
    EXPECT_FALSE(is_fault_of_path(error)) << error;
  }
  const auto file = write("file", "x");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  ExitCode code = ExitCode::kDone;
  try {
    read_head(file, 9);
  } catch (const Error& error) {
    code = error.code();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(code, ExitCode::kIo);
}

}  // namespace
}  // namespace muybridge
