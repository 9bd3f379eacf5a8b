#include "data/corpus/list_path.h"

#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

class ListPath : public MediaFolder {
 protected:
  std::string kind(const std::string& path) const {
    return find_listed_file(folder_, path).problem.kind;
  }
};

TEST_F(ListPath, RelativeToTheFolderOrToItsVideos) {
  write("a.mp4", "x");
  write("videos/b.mp4", "x");
  EXPECT_EQ(find_listed_file(folder_, "a.mp4").file, folder_ / "a.mp4");
  EXPECT_EQ(find_listed_file(folder_, "b.mp4").file, folder_ / "videos" / "b.mp4");
  EXPECT_EQ(find_listed_file("/nowhere", (folder_ / "a.mp4").string()).file, folder_ / "a.mp4");
  EXPECT_TRUE(find_listed_file(folder_ / "videos", "../a.mp4").problem.none());
  EXPECT_TRUE(find_listed_file(folder_, "file://" + (folder_ / "a.mp4").string()).problem.none());
}

TEST_F(ListPath, PathsOfOtherSystems) {
  write("clips/a b.mp4", "x");
  for (const char* path :
       {"clips\\a b.mp4", "clips/a%20b.mp4", "  clips/a b.mp4 ", ".\\clips\\a%20b.mp4"}) {
    const ListedFile found = find_listed_file(folder_, path);
    EXPECT_TRUE(found.problem.none()) << path;
    EXPECT_EQ(found.note.kind, remark::kForeignPath) << path;
    EXPECT_TRUE(std::filesystem::equivalent(found.file, folder_ / "clips" / "a b.mp4")) << path;
  }
  write("c%20d.mp4", "x");  // as written comes first
  EXPECT_EQ(find_listed_file(folder_, "c%20d.mp4").file, folder_ / "c%20d.mp4");
  EXPECT_TRUE(find_listed_file(folder_, "c%20d.mp4").note.none());
}

TEST_F(ListPath, EveryOtherPathHasItsProblem) {
  EXPECT_EQ(kind("gone.mp4"), remark::kFileMissing);
  EXPECT_EQ(kind("../../gone.mp4"), remark::kFileMissing);
  EXPECT_EQ(kind("/gone.mp4"), remark::kFileMissing);
  EXPECT_EQ(kind("C:\\gone.mp4"), remark::kFileMissing);
  EXPECT_EQ(kind(std::string(300, ' ') + "x"), remark::kFileUnusable);
  EXPECT_EQ(kind(std::string(6000, 'x')), remark::kFileUnusable);
  EXPECT_EQ(kind(std::string("a\0.mp4", 6)), remark::kFileUnusable);
  EXPECT_EQ(kind("."), remark::kFileUnusable);
  EXPECT_EQ(kind("https://example.org/a.mp4"), remark::kRowAddress);
  EXPECT_EQ(kind("s3://bucket/a.mp4"), remark::kRowAddress);
  EXPECT_NE(find_listed_file(folder_, "caf\xC3\xA9.mp4").problem.text.find("Unicode"),
            std::string::npos);
}

TEST_F(ListPath, NamesAreCutForReports) {
  EXPECT_EQ(shown_name("  a.mp4 "), "a.mp4");
  EXPECT_EQ(shown_name(std::string(5000, 'x')).size(), 203U);
}

}  // namespace
}  // namespace muybridge
