#include "data/corpus/media_files.h"

#include <unistd.h>

#include "core/error.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

class MediaFiles : public MediaFolder {
 protected:
  std::vector<std::string> names(const FolderFiles& found) const {
    std::vector<std::string> result;
    for (const auto& file : found.files) {
      result.push_back(file.lexically_relative(folder_).string());
    }
    return result;
  }
};

using Names = std::vector<std::string>;

TEST_F(MediaFiles, EndingsInAnyCase) {
  EXPECT_TRUE(is_video_name("x/A.MP4"));
  EXPECT_TRUE(is_image_name("a.b.JPeG"));
  EXPECT_TRUE(is_tar_name("a.TAR.gz"));
  EXPECT_TRUE(is_caption_name("a.TXT"));
  EXPECT_FALSE(is_media_name("mp4"));
  EXPECT_FALSE(is_media_name(".mp4"));
}

TEST_F(MediaFiles, WalksInOrderAndSaysWhatIsHidden) {
  for (const char* name :
       {"b.mp4", "a/z.mp4", "a/y.txt", ".hidden.mp4", "._b.mp4", ".DS_Store", ".git/c.mp4"}) {
    write(name, "x");
  }
  const FolderFiles found = walk_files(folder_);
  EXPECT_EQ(names(found), (Names{"a/y.txt", "a/z.mp4", "b.mp4"}));
  ASSERT_EQ(found.left_out.size(), 1U);
  EXPECT_EQ(found.left_out[0].first, folder_ / ".hidden.mp4");
  EXPECT_EQ(found.left_out[0].second.kind, remark::kHidden);
}

TEST_F(MediaFiles, LinksToFoldersAreFollowedOnceAndLoopsEnd) {
  write("a/a.mp4", "x");
  std::filesystem::create_directory_symlink(folder_ / "a", folder_ / "z");
  std::filesystem::create_directory_symlink(folder_, folder_ / "a" / "loop");
  std::filesystem::create_symlink("self.mp4", folder_ / "self.mp4");
  std::filesystem::create_symlink("/nowhere", folder_ / "gone.mp4");
  EXPECT_EQ(names(walk_files(folder_)), (Names{"a/a.mp4", "gone.mp4", "self.mp4"}));
}

TEST_F(MediaFiles, AFolderThatMayNotBeReadIsSaidOrAnError) {
  EXPECT_THROW(walk_files(folder_ / "none"), Error);
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  write("a.mp4", "x");
  write("locked/b.mp4", "x");
  std::filesystem::permissions(folder_ / "locked", std::filesystem::perms::none);
  const FolderFiles found = walk_files(folder_);
  EXPECT_EQ(names(found), (Names{"a.mp4"}));
  ASSERT_EQ(found.left_out.size(), 1U);
  EXPECT_EQ(found.left_out[0].second, (Finding{remark::kFolderUnreadable, "Permission denied"}));
  EXPECT_THROW(walk_files(folder_ / "locked"), Error);
  std::filesystem::permissions(folder_ / "locked", std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace muybridge
