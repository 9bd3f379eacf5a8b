#include "data/corpus/corpus_listing.h"

#include <map>

#include "core/error.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

// The listing opens no video, so that a few bytes will do for one.
class CaptionSources : public MediaFolder {
 protected:
  void media(const std::string& name) { write(name, "video"); }

  CorpusListing list(const std::string& name = "") const {
    return list_corpus(name.empty() ? folder_ : folder_ / name, {});
  }

  static std::map<std::string, std::string> captions(const CorpusListing& listing) {
    std::map<std::string, std::string> result;
    for (const ClipSource& clip : listing.clips) result[clip.name] = clip.caption;
    return result;
  }

  static std::map<std::string, std::string> reasons(const CorpusListing& listing) {
    std::map<std::string, std::string> result;
    for (const FileRemark& remark : listing.skipped) result[remark.name] = remark.text;
    return result;
  }

  void tar(const std::string& arguments) const {
    const std::string command = fmt::format("cd '{}' && tar {}", folder_.string(), arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  using Map = std::map<std::string, std::string>;
};

TEST_F(CaptionSources, CaptionsBesideTheClips) {
  media("b.mp4");
  media("deep/er/c.MOV");
  media("a.png");
  media("d.mp4");
  media("no.mp4");
  media(".hidden.mp4");
  write("b.txt", "text wins");
  write("b.json", R"({"caption": "json"})");
  write("deep/er/c.json", R"({"caption": "in json"})");
  write("a.txt", "a picture");
  write("d.caption", "kohya");
  write("lonely.txt", "nothing to say it of");
  write("notes.pdf", "x");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.png", "a picture"},
                                    {"b.mp4", "text wins"},
                                    {"d.mp4", "kohya"},
                                    {"deep/er/c.MOV", "in json"}}));
  EXPECT_EQ(reasons(listing),
            (Map{{"lonely.txt", "a caption without a clip"},
                 {"no.mp4", "it has no caption"},
                 {"notes.pdf", "not a video or image, by the ending of its name"}}));
  EXPECT_EQ(listing.clips[0].file, folder_ / "a.png");
}

TEST_F(CaptionSources, OpenSoraCsv) {
  media("clips/1.mp4");
  media("clips/2.mp4");
  media("unnamed.mp4");
  write("metadata.csv",
        "path,text,num_frames,height,width,aspect_ratio,resolution,fps\n"
        "clips/1.mp4,\"a dog, running\",51,480,640,0.75,307200,24\n"
        "clips/2.mp4,,51,480,640,0.75,307200,24\n"
        "clips/3.mp4,gone,51,480,640,0.75,307200,24\n"
        "short,row\n");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.form, "metadata.csv");
  EXPECT_EQ(captions(listing), (Map{{"clips/1.mp4", "a dog, running"}}));
  EXPECT_EQ(reasons(listing), (Map{{"clips/2.mp4", "it has no caption"},
                                   {"clips/3.mp4", "not found; metadata.csv:4 names it"},
                                   {"metadata.csv:5", "2 fields, but the header has 8"},
                                   {"unnamed.mp4", "metadata.csv does not name it"}}));
}

TEST_F(CaptionSources, EveryColumnNameOfTheTrainersWorks) {
  media("a.mp4");
  for (const char* path :
       {"path", "video", "file_name", "media_path", "video_path", "image_path"}) {
    for (const char* caption : {"text", "caption", "prompt", "cap"}) {
      write("metadata.csv", fmt::format("id,{},{}\n1,hello,a.mp4\n", caption, path));
      EXPECT_EQ(captions(list()), (Map{{"a.mp4", "hello"}})) << path << " " << caption;
    }
  }
}

TEST_F(CaptionSources, AnyNameOfTheOnlyTable) {
  media("a.mp4");
  write("my_dataset.csv", "caption,media_path\nhello,a.mp4\n");
  EXPECT_EQ(captions(list()), (Map{{"a.mp4", "hello"}}));
  EXPECT_EQ(captions(list("my_dataset.csv")), (Map{{"a.mp4", "hello"}}));
}

TEST_F(CaptionSources, JsonLines) {
  media("a.mp4");
  media("b.jpg");
  write("metadata.jsonl",
        "{\"video_path\": \"a.mp4\", \"caption\": \"one\"}\n\n"
        "{\"image_path\": \"b.jpg\", \"caption\": \"two\"}\n{broken\n[1]\n{\"caption\": \"x\"}\n");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "one"}, {"b.jpg", "two"}}));
  EXPECT_EQ(reasons(listing).at("metadata.jsonl:4"), "not JSON");
  EXPECT_EQ(reasons(listing).at("metadata.jsonl:5"), "not an object");
  EXPECT_NE(reasons(listing).at("metadata.jsonl:6").find("no path"), std::string::npos);
}

TEST_F(CaptionSources, DiffSynthAndLtxJson) {
  media("a.mp4");
  media("b.mp4");
  write("metadata.json", R"([{"video": "a.mp4", "prompt": "one"},
                             {"media_path": "b.mp4", "caption": "two"}])");
  EXPECT_EQ(captions(list()), (Map{{"a.mp4", "one"}, {"b.mp4", "two"}}));
}

TEST_F(CaptionSources, FastVideo) {
  media("videos/a.mp4");
  media("videos/b.mp4");
  write("videos2caption.json",
        R"([{"path": "a.mp4", "cap": ["one", "other"], "resolution": {"height": 4, "width": 4},
             "fps": 24, "duration": 3.0}, {"path": "b.mp4", "cap": "two"}])");
  EXPECT_EQ(captions(list()), (Map{{"videos/a.mp4", "one"}, {"videos/b.mp4", "two"}}));
}

TEST_F(CaptionSources, AMapFromPathsToCaptions) {
  media("a.mp4");
  write("metadata.json", R"({"a.mp4": "one", "b.mp4": {"caption": "two"}})");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "one"}}));
  EXPECT_EQ(reasons(listing).at("b.mp4"), "not found; metadata.json[\"b.mp4\"] names it");
}

TEST_F(CaptionSources, OpenSoraPlanWithCutAndCrop) {
  media("first/x/a.mp4");
  media("second/b.mp4");
  write(
      "anno/one.json",
      R"([{"path": "x/a.mp4", "cap": ["long caption"], "resolution": {"height": 720, "width": 1280},
             "num_frames": 100, "fps": 24, "cut": [10, 60], "crop": [100, 900, 0, 700]},
            {"path": "x/a.mp4", "cap": "again", "cut": [60, 60]},
            {"path": "x/a.mp4", "cap": "again", "crop": [0, 1]}])");
  write("anno/two.json", R"([{"path": "b.mp4", "cap": "two"}])");
  write("data.txt", "first,anno/one.json\nsecond,anno/two.json\n");
  const CorpusListing listing = list("data.txt");
  ASSERT_EQ(listing.clips.size(), 2U);
  EXPECT_EQ(listing.clips[0].caption, "long caption");
  EXPECT_EQ(listing.clips[0].cut_first, 10);
  EXPECT_EQ(listing.clips[0].cut_end, 60);
  EXPECT_EQ(listing.clips[0].crop, (CropBox{100, 900, 0, 700}));
  EXPECT_EQ(listing.clips[1].name, "second/b.mp4");
  EXPECT_EQ(reasons(listing).at("one.json[1]"), "\"cut\" holds no frame");
  EXPECT_EQ(reasons(listing).at("one.json[2]"), "\"crop\" is not a list of 4 numbers");
  write("wrong.txt", "just words\n");
  EXPECT_THROW(list("wrong.txt"), Error);
  write("gone.txt", "first,anno/three.json\n");
  EXPECT_THROW(list("gone.txt"), Error);
}

TEST_F(CaptionSources, TwoFilesLineByLine) {
  media("videos/a.mp4");
  media("b.mp4");
  write("videos.txt", "videos/a.mp4\nb.mp4\nc.mp4\r\n");
  for (const char* prompts : {"prompts.txt", "prompt.txt"}) {
    write(prompts, "one\ntwo\r\nthree\n");
    const CorpusListing listing = list();
    EXPECT_EQ(captions(listing), (Map{{"videos/a.mp4", "one"}, {"b.mp4", "two"}})) << prompts;
    EXPECT_EQ(reasons(listing).at("c.mp4"), "not found; videos.txt:3 names it");
    std::filesystem::remove(folder_ / prompts);
  }
  write("prompts.txt", "one\ntwo\n");
  try {
    list();
    FAIL() << "files of different lengths went through";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("3 lines"), std::string::npos) << error.what();
  }
}

TEST_F(CaptionSources, Cosmos) {
  media("videos/a.mp4");
  media("videos/b.mp4");
  write("metas/a.txt", "one");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"videos/a.mp4", "one"}}));
  EXPECT_EQ(reasons(listing), (Map{{"videos/b.mp4", "it has no caption"}}));
}

TEST_F(CaptionSources, WebDataset) {
  media("s/000.mp4");
  write("s/000.txt", "zero");
  media("s/001.mp4");
  write("s/001.json", R"({"caption": "one", "url": "x"})");
  media("s/002.seg.jpg");
  write("s/002.txt", "two");
  media("s/003.mp4");
  write("s/004.txt", "four");
  tar("-cf one.tar -C s 000.mp4 000.txt 001.json 001.mp4 002.txt 002.seg.jpg");
  tar("-czf two.tar.gz -C s 003.mp4 004.txt && rm -r s");
  const CorpusListing listing = list();
  EXPECT_EQ(listing.form, "tar archives");
  EXPECT_EQ(captions(listing), (Map{{"one.tar/000.mp4", "zero"},
                                    {"one.tar/001.mp4", "one"},
                                    {"one.tar/002.seg.jpg", "two"}}));
  EXPECT_EQ(listing.clips[0].member, 0);
  EXPECT_EQ(listing.clips[1].member, 3);
  EXPECT_EQ(reasons(listing), (Map{{"two.tar.gz/003.mp4", "it has no caption"},
                                   {"two.tar.gz/004", "a caption without a clip"}}));
  EXPECT_EQ(list("one.tar").clips.size(), 3U);
}

TEST_F(CaptionSources, ATornArchiveGivesItsFirstMembers) {
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

TEST_F(CaptionSources, ASingleVideo) {
  media("a.mp4");
  EXPECT_EQ(reasons(list("a.mp4")), (Map{{"a.mp4", "it has no caption"}}));
  write("a.txt", "beside");
  EXPECT_EQ(captions(list("a.mp4")), (Map{{"a.mp4", "beside"}}));
  std::filesystem::remove(folder_ / "a.txt");
  EXPECT_EQ(list_corpus(folder_ / "a.mp4", {.fallback = "given"}).clips.at(0).caption, "given");
}

TEST_F(CaptionSources, TrainAndValidationFoldersAreSplits) {
  media("train/a.mp4");
  write("train/a.txt", "one");
  media("validation/b.mp4");
  write("validation/metadata.csv", "path,caption\nb.mp4,two\n");
  const CorpusListing listing = list();
  ASSERT_EQ(listing.clips.size(), 2U);
  EXPECT_EQ(listing.clips[0].split, "train");
  EXPECT_EQ(listing.clips[0].name, "train/a.mp4");
  EXPECT_EQ(listing.clips[1].split, "validation");
  EXPECT_EQ(listing.clips[1].caption, "two");
}

TEST_F(CaptionSources, LinkedFoldersAreReadOnce) {
  media("a/a.mp4");
  write("a/a.txt", "one");
  std::filesystem::create_directory_symlink(folder_ / "a", folder_ / "z");
  std::filesystem::create_directory_symlink(folder_, folder_ / "a" / "loop");
  EXPECT_EQ(list().clips.size(), 1U);
}

TEST_F(CaptionSources, SaysWhatIsNoCorpus) {
  EXPECT_THROW(list("missing"), Error);
  write("a.pdf", "x");
  EXPECT_THROW(list("a.pdf"), Error);
  write("broken.json", "{\"a\": ");
  EXPECT_THROW(list("broken.json"), Error);
  write("number.json", "7");
  EXPECT_THROW(list("number.json"), Error);
  write("plain.tar", "no archive");
  EXPECT_FALSE(list("plain.tar").skipped.empty());
}

}  // namespace
}  // namespace muybridge
