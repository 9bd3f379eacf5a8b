#include "data/corpus/corpus_archive.h"

#include "tests/data/corpus/corpus_folder.h"

namespace muybridge {
namespace {

using CorpusArchive = CorpusFolder;

TEST_F(CorpusArchive, WebDataset) {
  media("s/000.mp4");
  write("s/000.txt", "zero");
  media("s/001.mp4");
  write("s/001.json", R"({"caption": "one", "url": "x"})");
  media("s/002.seg.jpg");
  write("s/002.txt", "two");
  media("s/003.mp4");
  write("s/004.txt", "four");
  write("s/005.npy", "x");
  write("s/006.npy", "x");
  tar("-cf one.tar -C s 000.mp4 000.txt 001.json 001.mp4 002.txt 002.seg.jpg 005.npy 006.npy");
  tar("-czf two.tar.gz -C s 003.mp4 004.txt && rm -r s");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.form, "tar archives");
  EXPECT_EQ(captions(listing), (Map{{"one.tar/000.mp4", "zero"},
                                    {"one.tar/001.mp4", "one"},
                                    {"one.tar/002.seg.jpg", "two"}}));
  EXPECT_EQ(listing.clips[0].member, 0);
  EXPECT_EQ(listing.clips[1].member, 3);
  EXPECT_EQ(
      reasons(listing),
      (Map{{"two.tar.gz/003.mp4", "no caption"},
           {"two.tar.gz/004.txt", "caption without a clip"},
           {"one.tar/005.npy", "not a video or image, by the ending of its name: and 1 more"}}));
  EXPECT_EQ(list("one.tar").clips.size(), 3U);
}

TEST_F(CorpusArchive, StemsWithDotsKeepTheirOwnCaptions) {
  media("s/take 1.5.mp4");
  media("s/take 1.6.MP4");
  media("s/sub.x/take 1.5.mp4");
  media("s/take 1.7.mp4");
  write("s/take 1.5.txt", "red");
  write("s/take 1.6.TXT", "blue");
  write("s/sub.x/take 1.5.txt", "green");
  write("s/._take 1.5.txt", "AppleDouble");
  tar("-cf t.tar -C s . && rm -r s");
  const CorpusListing listing = list("t.tar");
  EXPECT_EQ(captions(listing), (Map{{"t.tar/take 1.5.mp4", "red"},
                                    {"t.tar/take 1.6.MP4", "blue"},
                                    {"t.tar/sub.x/take 1.5.mp4", "green"}}));
  EXPECT_EQ(reasons(listing), (Map{{"t.tar/take 1.7.mp4", "no caption"}}));
}

TEST_F(CorpusArchive, TheLastMemberOfANameCounts) {
  media("s/a.mp4");
  write("s/a.txt", "old");
  tar("-cf t.tar -C s a.mp4 a.txt");
  write("s/a.txt", "new");
  tar("-rf t.tar -C s a.txt a.mp4 && rm -r s");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"t.tar/a.mp4", "new"}}));
  EXPECT_EQ(listing.clips[0].member, 3);
  EXPECT_EQ(notes(listing).at("t.tar/a.txt"),
            "named twice, used once: the last member of that name");
}

TEST_F(CorpusArchive, LinksAreSaid) {
  media("s/a.mp4");
  write("s/a.txt", "one");
  std::filesystem::create_hard_link(folder_ / "s/a.mp4", folder_ / "s/b.mp4");
  std::filesystem::create_symlink("a.mp4", folder_ / "s/c.mp4");
  tar("-cf t.tar -C s a.mp4 a.txt b.mp4 c.mp4 && rm -r s");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.clips.size(), 1U);
  EXPECT_EQ(reasons(listing), (Map{{"t.tar/b.mp4", "link inside an archive"},
                                   {"t.tar/c.mp4", "link inside an archive"}}));
}

TEST_F(CorpusArchive, ClipsBesideArchivesAreUsedToo) {
  media("s/a.mp4");
  write("s/a.txt", "one");
  tar("-cf t.tar -C s a.mp4 a.txt && rm -r s");
  media("b.mp4");
  write("b.txt", "two");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"t.tar/a.mp4", "one"}, {"b.mp4", "two"}}));
  EXPECT_TRUE(listing.skipped.empty());
}

TEST_F(CorpusArchive, ATornArchiveGivesItsFirstMembers) {
  for (int i = 0; i < 20; ++i) {
    write(fmt::format("s/{:03}.mp4", i), std::string(3000, 'x'));
    write(fmt::format("s/{:03}.txt", i), "text");
  }
  tar("-cf whole.tar --sort=name -C s . && rm -r s");
  const std::string bytes = read_file(folder_ / "whole.tar");
  std::filesystem::remove(folder_ / "whole.tar");
  write("torn.tar", bytes.substr(0, bytes.size() / 2 / 512 * 512 + 100));
  const CorpusListing listing = list();
  EXPECT_GT(listing.clips.size(), 5U);
  EXPECT_LT(listing.clips.size(), 15U);
  EXPECT_NE(reasons(listing)["torn.tar"].find("breaks off"), std::string::npos);
}

TEST_F(CorpusArchive, WhatIsNoArchiveIsSaid) {
  write("plain.tar", "no archive");
  EXPECT_NE(failure("plain.tar", ExitCode::kCorrupt).find("not a tar archive"), std::string::npos);
  media("a.mp4");
  write("a.txt", "one");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "one"}}));
  EXPECT_NE(reasons(listing).at("plain.tar").find("damaged archive"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
