#include "data/corpus/corpus_listing.h"

#include "tests/data/corpus/corpus_folder.h"

namespace muybridge {
namespace {

using CorpusListingTest = CorpusFolder;

TEST_F(CorpusListingTest, CaptionsBesideTheClips) {
  media("b.mp4");
  media("deep/er/c.MOV");
  media("a.png");
  media("d.mp4");
  media("e.x.mp4");
  media("no.mp4");
  media(".hidden.mp4");
  media("._b.mp4");
  write("b.txt", "text wins");
  write("b.json", R"({"caption": "json"})");
  write("deep/er/c.json", R"({"caption": "in json"})");
  write("a.txt", "a picture");
  write("d.caption", "kohya");
  write("e.x.mp4.txt", "full name");
  write("lonely.txt", "nothing to say it of");
  write("notes.pdf", "x");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.png", "a picture"},
                                    {"b.mp4", "text wins"},
                                    {"d.mp4", "kohya"},
                                    {"e.x.mp4", "full name"},
                                    {"deep/er/c.MOV", "in json"}}));
  EXPECT_EQ(reasons(listing),
            (Map{{"lonely.txt", "caption without a clip"},
                 {"no.mp4", "no caption"},
                 {".hidden.mp4", "hidden file"},
                 {"notes.pdf", "not a video or image, by the ending of its name"}}));
  EXPECT_EQ(listing.clips[0].file, folder_ / "a.png");
}

TEST_F(CorpusListingTest, ATableThatIsNoListDoesNotWin) {
  media("film-Scene-001.mp4");
  write("film-Scene-001.txt", "a scene");
  write("film-Scenes.csv",
        "Timecode List:,00:00:02.500\n"
        "Scene Number,Start Frame,Start Timecode\n1,1,00:00:00.000\n");
  write("report.json", R"({"complete": true, "skipped": [{"file": "x.mp4", "reason": "y"}]})");
  write("package.json", R"({"name": "x", "files": ["a", "b"], "scripts": {"test": "y"}})");
  write("config.json", R"({"model": {"width": 3}})");
  write("broken.json", "{");
  write("sizes.csv", "filename,bytes\nfilm-Scene-001.mp4,5\n");
  const CorpusListing listing = list("", {.fallback = "given"});
  EXPECT_EQ(listing.form, "clips with captions beside them");
  EXPECT_EQ(captions(listing), (Map{{"film-Scene-001.mp4", "a scene"}}));
  for (const char* name : {"film-Scenes.csv", "report.json", "package.json", "config.json",
                           "broken.json", "sizes.csv"}) {
    EXPECT_TRUE(notes(listing)[name].starts_with(remark::kNoList)) << name;
  }
  EXPECT_TRUE(listing.skipped.empty());
  EXPECT_NE(notes(listing)["sizes.csv"].find("none is a caption"), std::string::npos);
}

TEST_F(CorpusListingTest, AListOfFilesElsewhereDoesNotWin) {
  media("a.mp4");
  write("a.txt", "beside");
  write("metadata.csv", "path,caption\n/home/else/a.mp4,listed\n");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "beside"}}));
  EXPECT_NE(notes(listing)["metadata.csv"].find("the first names /home/else/a.mp4"),
            std::string::npos);
}

TEST_F(CorpusListingTest, AGuessedColumnAndTwoSpellingsAreSaid) {
  media("a.mp4");
  write("metadata.csv", "Datei;Text\na.mp4;rot\n");
  EXPECT_EQ(captions(list()), (Map{{"a.mp4", "rot"}}));
  EXPECT_EQ(notes(list()), (Map{{"metadata.csv", "column of paths found by its values: Datei"}}));
  media("cafe\xCC\x81.mp4");
  write("metadata.csv", "path,text\ncaf\xC3\xA9.mp4,x\n");
  EXPECT_NE(notes(list("", {.fallback = "given"}))["metadata.csv"].find("two spellings"),
            std::string::npos);
}

TEST_F(CorpusListingTest, OfTwoListsOneIsUsedAndTheOtherSaid) {
  media("a.mp4");
  write("a.txt", "beside");
  write("dataset.json", R"([{"media_path": "a.mp4", "caption": "ltx"}])");
  write("metadata.csv", "path,caption\na.mp4,first\n");
  write("videos.txt", "a.mp4\n");
  write("prompts.txt", "line\n");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "first"}}));
  EXPECT_EQ(listing.form, "metadata.csv");
  EXPECT_EQ(notes(listing),
            (Map{{"dataset.json", "list not used, another one is: metadata.csv is read"},
                 {"videos.txt", "list not used, another one is: metadata.csv is read"},
                 {"a.txt",
                  "captions beside clips that a list names: 1 files are not read, the captions are "
                  "those of metadata.csv"}}));
}

TEST_F(CorpusListingTest, TheGivenCaptionDoesNotReplaceThoseOfAList) {
  media("a.mp4");
  media("b.mp4");
  write("dataset.json", R"([{"media_path": "a.mp4", "caption": "red"},
                            {"media_path": "b.mp4", "caption": ""}])");
  const CorpusListing listing = list("", {.fallback = "given"});
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "red"}, {"b.mp4", "given"}}));
  EXPECT_EQ(notes(listing), (Map{{"b.mp4", remark::kCaptionGiven}}));
}

TEST_F(CorpusListingTest, CaptionsInAFolderOfTheirOwn) {
  media("videos/a.mp4");
  media("videos/b.mp4");
  media("c.mp4");
  for (const char* folder : {"metas", "labels"}) {
    write(std::string(folder) + "/a.txt", "one");
    write(std::string(folder) + "/z.txt", "alone");
    const CorpusListing listing = list();
    EXPECT_EQ(captions(listing), (Map{{"videos/a.mp4", "one"}})) << folder;
    EXPECT_EQ(reasons(listing), (Map{{"videos/b.mp4", "no caption"},
                                     {"c.mp4", "not named by the list: only videos/ is read"},
                                     {std::string(folder) + "/z.txt", "caption without a clip"}}));
    std::filesystem::remove_all(folder_ / folder);
  }
}

TEST_F(CorpusListingTest, ASingleVideo) {
  media("a.b.mp4");
  EXPECT_NE(failure("a.b.mp4").find("a.b.mp4: no caption"), std::string::npos);
  write("a.b.txt", "beside");
  EXPECT_EQ(captions(list("a.b.mp4")), (Map{{"a.b.mp4", "beside"}}));
  write("a.b.mp4.txt", "full name");
  EXPECT_EQ(captions(list("a.b.mp4")), (Map{{"a.b.mp4", "full name"}}));
  media("c.mp4");
  EXPECT_EQ(list("c.mp4", {.fallback = "given"}).clips.at(0).caption, "given");
}

TEST_F(CorpusListingTest, TrainAndValidationFoldersAreSplits) {
  media("train/a.mp4");
  write("train/a.txt", "one");
  media("validation/b.mp4");
  write("validation/metadata.csv", "path,caption\nb.mp4,two\n");
  media("test/c.mp4");
  media("d.mp4");
  const CorpusListing listing = list();
  ASSERT_EQ(listing.clips.size(), 2U);
  EXPECT_EQ(listing.clips[0].split, "train");
  EXPECT_EQ(listing.clips[0].name, "train/a.mp4");
  EXPECT_EQ(listing.clips[1].split, "validation");
  EXPECT_EQ(listing.clips[1].caption, "two");
  EXPECT_EQ(reasons(listing),
            (Map{{"test", remark::kOutsideSplits}, {"d.mp4", remark::kOutsideSplits}}));
}

TEST_F(CorpusListingTest, ATestFolderIsHeldOutAndTrainAloneIsAName) {
  media("train/a.mp4");
  write("train/a.txt", "one");
  EXPECT_EQ(list().clips.at(0).split, "");
  media("test/b.mp4");
  write("test/b.txt", "two");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.clips.at(0).split, "train");
  EXPECT_EQ(listing.clips.at(1).split, "validation");
  EXPECT_EQ(listing.form,
            "train/ (clips with captions beside them), test/ (clips with captions "
            "beside them)");
}

TEST_F(CorpusListingTest, ListsMaySplit) {
  media("a.mp4");
  media("b.mp4");
  media("c.mp4");
  write("train.csv", "path,caption\na.mp4,one\n");
  write("val.csv", "path,caption\nb.mp4,two\n");
  write("test.csv", "path,caption\nc.mp4,three\n");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.form, "train.csv and val.csv");
  ASSERT_EQ(listing.clips.size(), 2U);
  EXPECT_EQ(listing.clips[0].split, "train");
  EXPECT_EQ(listing.clips[1].split, "validation");
  EXPECT_TRUE(notes(listing)["test.csv"].starts_with(remark::kListNotUsed));
  EXPECT_EQ(reasons(listing), (Map{{"c.mp4", "not named by the list: train.csv and val.csv"}}));
}

TEST_F(CorpusListingTest, AListAboveTrainAndValidationFolders) {
  media("train/a.mp4");
  media("val/b.mp4");
  write("metadata.json", R"([{"file_path": "train/a.mp4", "text": "one", "type": "video"},
                             {"file_path": "val/b.mp4", "text": "two", "type": "video"}])");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"train/a.mp4", "one"}, {"val/b.mp4", "two"}}));
  EXPECT_EQ(listing.clips[0].split, "train");
  EXPECT_EQ(listing.clips[1].split, "validation");
}

TEST_F(CorpusListingTest, AListInTheOnlyFolder) {
  media("train/a.mp4");
  write("train/metadata.csv", "file_name,text\na.mp4,one\n");
  write("README.md", "x");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.form, "train/ (metadata.csv)");
  EXPECT_EQ(captions(listing), (Map{{"train/a.mp4", "one"}}));
}

TEST_F(CorpusListingTest, LinkedFoldersAreReadOnce) {
  media("a/a.mp4");
  write("a/a.txt", "one");
  std::filesystem::create_directory_symlink(folder_ / "a", folder_ / "z");
  std::filesystem::create_directory_symlink(folder_, folder_ / "a" / "loop");
  EXPECT_EQ(list().clips.size(), 1U);
}

TEST_F(CorpusListingTest, SaysWhatIsNoCorpus) {
  EXPECT_NE(failure("missing").find("No such file"), std::string::npos);
  write("a.pdf", "x");
  EXPECT_NE(failure("a.pdf").find("neither a folder"), std::string::npos);
  std::filesystem::create_directories(folder_ / "empty");
  EXPECT_NE(failure("empty").find("there is no video or image in it"), std::string::npos);
  media("f/a.mp4");
  write("f/metadata.csv", "Foo,Bar\n1,2\n");
  const std::string message = failure("f");
  EXPECT_NE(message.find("metadata.csv: its columns are Foo, Bar; none names a path (path, video"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("a.mp4: no caption"), std::string::npos) << message;
}

}  // namespace
}  // namespace muybridge
