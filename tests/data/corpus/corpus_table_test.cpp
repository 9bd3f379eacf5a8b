#include "data/corpus/corpus_table.h"

#include <string>
#include <vector>

#include "tests/data/corpus/corpus_folder.h"

namespace muybridge {
namespace {

using CorpusTable = CorpusFolder;

TEST_F(CorpusTable, OpenSoraCsv) {
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
  EXPECT_EQ(reasons(listing),
            (Map{{"clips/2.mp4", "empty caption: metadata.csv:3"},
                 {"clips/3.mp4", "file named by the list is not there: metadata.csv:4"},
                 {"metadata.csv:5", "row that cannot be read: 2 fields, but the header has 8"},
                 {"unnamed.mp4", "not named by the list: metadata.csv"}}));
}

TEST_F(CorpusTable, WithoutACaptionInItDoesNotWinOverThoseBesideTheClips) {
  media("v.mp4");
  write("v.txt", "beside");
  for (const char* table :
       {"path,caption\nv.mp4,\n", "path\nv.mp4\n", "path,caption\nv.mp4,  \n"}) {
    write("m.csv", table);
    const CorpusListing listing = list("", {.fallback = "other"});
    EXPECT_EQ(captions(listing), (Map{{"v.mp4", "beside"}})) << table;
    EXPECT_TRUE(notes(listing).contains("m.csv")) << table;
  }
  write("m.csv", "path,caption\nv.mp4,listed\n");
  EXPECT_EQ(captions(list()), (Map{{"v.mp4", "listed"}}));
}

TEST_F(CorpusTable, ARowWithAHopelessPathCostsItself) {
  media("a.mp4");
  std::string text = "path,caption\n";
  const std::vector<std::string> hopeless = {
      std::string(300, ' ') + "x", std::string(6000, 'y'), std::string("b\0.mp4", 6),
      "https://example.org/c.mp4", "../../d.mp4",          "."};
  for (const std::string& path : hopeless) text += path + ",x\n";
  write("metadata.csv", text + "a.mp4,red\n");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "red"}}));
  ASSERT_EQ(listing.skipped.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(listing.skipped[i].text.starts_with(fmt::format("metadata.csv:{}", i + 2)))
        << listing.skipped[i].text;
  }
  EXPECT_EQ(listing.skipped[0].text, "metadata.csv:2, File name too long");
  EXPECT_EQ(listing.skipped[3].kind, remark::kRowAddress);
}

TEST_F(CorpusTable, EveryColumnNameOfTheTrainersWorks) {
  media("a.mp4");
  for (const char* path : {"path", "video", "file_name", "media_path", "video_path", "image_path",
                           "file_path", "vision_path", "video_file", "filename"}) {
    for (const char* caption : {"text", "caption", "prompt", "cap", "short_prompt"}) {
      write("metadata.csv", fmt::format("id,{},{}\n1,hello,a.mp4\n", caption, path));
      EXPECT_EQ(captions(list()), (Map{{"a.mp4", "hello"}})) << path << " " << caption;
    }
  }
}

TEST_F(CorpusTable, ListsOfTheTrainersUnderTheirOwnNames) {
  media("a.mp4");
  media("videos/b.mp4");
  const Map expected = {{"a.mp4", "one"}, {"videos/b.mp4", "two"}};
  const std::pair<const char*, const char*> lists[] = {
      // DiffSynth, finetrainers
      {"metadata.json", R"([{"video": "a.mp4", "prompt": "one"},
                            {"video": "videos/b.mp4", "prompt": "two"}])"},
      // VideoX-Fun
      {"metadata.json", R"([{"file_path": "a.mp4", "text": "one", "type": "video"},
                            {"file_path": "videos/b.mp4", "text": "two", "type": "video"}])"},
      // LTX
      {"dataset.json", R"([{"media_path": "a.mp4", "caption": "one"},
                           {"video": "videos/b.mp4", "caption": "two"}])"},
      // FastVideo
      {"videos2caption.json",
       R"([{"path": "a.mp4", "cap": ["one"], "resolution": {"height": 4, "width": 4}, "fps": 24},
           {"path": "b.mp4", "cap": "two", "duration": 3.0}])"},
      // diffusion-pipe
      {"captions.json", R"({"a.mp4": ["one"], "b.mp4": ["two"]})"},
      // musubi-tuner
      {"my.jsonl",
       "{\"video_path\": \"a.mp4\", \"caption\": \"one\"}\n"
       "{\"video_path\": \"videos/b.mp4\", \"caption\": \"two\"}\n"},
      // kohya
      {"meta.json", R"({"a.mp4": {"caption": "one", "tags": "x"}, "b.mp4": {"caption": "two"}})"},
      // NVIDIA Cosmos
      {"train.jsonl",
       "{\"vision_path\": \"a.mp4\", \"t2w_windows\": [{\"start_frame\": 0, \"end_frame\": 9, "
       "\"caption\": \"one\"}]}\n{\"vision_path\": \"b.mp4\", \"t2w_windows\": "
       "[{\"start_frame\": 5, \"end_frame\": 9, \"qwen2p5_7b_caption\": \"two\"}]}\n"},
      {"annotations.json", R"({"info": {}, "annotations": [{"path": "a.mp4", "text": "one"},
                                                           {"path": "b.mp4", "text": "two"}]})"},
      {"anything.tsv", "FileName\tText\na.mp4\tone\nb.mp4\ttwo\n"},
  };
  for (const auto& [name, text] : lists) {
    write(name, text);
    const CorpusListing listing = list();
    EXPECT_EQ(captions(listing), expected) << text;
    EXPECT_EQ(captions(list(name)), expected) << text;
    EXPECT_EQ(listing.form, name);
    EXPECT_TRUE(listing.skipped.empty()) << text;
    std::filesystem::remove(folder_ / name);
  }
}

TEST_F(CorpusTable, EachWindowOfAVideoIsAClip) {
  media("a.mp4");
  write("x.jsonl",
        R"({"vision_path": "a.mp4", "t2w_windows": [{"start_frame": 0, "end_frame": 9,)"
        R"( "caption": "one"}, {"start_frame": 10, "end_frame": 19, "caption": "two"}]})");
  const CorpusListing listing = list();
  ASSERT_EQ(listing.clips.size(), 2U);
  EXPECT_EQ(listing.clips[0].cut_end, 10);
  EXPECT_EQ(listing.clips[1].cut_first, 10);
  EXPECT_EQ(listing.clips[1].cut_end, 20);
  EXPECT_EQ(listing.clips[1].caption, "two");
}

TEST_F(CorpusTable, OfSeveralRowsForAClipTheFirstUsableCounts) {
  media("a.mp4");
  write("metadata.csv", "path,caption\na.mp4,\na.mp4,one\n./a.mp4,two\na.mp4,one\n");
  const CorpusListing listing = list();
  ASSERT_EQ(listing.clips.size(), 1U);
  EXPECT_EQ(listing.clips[0].caption, "one");
  ASSERT_EQ(listing.notes.size(), 2U);
  EXPECT_EQ(listing.notes[0].kind, remark::kSeveralCaptions);
  EXPECT_EQ(listing.notes[0].text, "metadata.csv:4 is not used");
  EXPECT_EQ(listing.notes[1].kind, remark::kNamedTwice);
  EXPECT_EQ(reasons(listing), (Map{{"a.mp4", "empty caption: metadata.csv:2"}}));
}

TEST_F(CorpusTable, OpenSoraPlanWithCutAndCrop) {
  media("first/x/a.mp4");
  media("second/b.mp4");
  write("anno/one.json",
        R"([{"path": "x/a.mp4", "cap": ["long caption"], "num_frames": 100, "cut": [10, 60],
             "crop": [100, 900, 0, 700]},
            {"path": "x/a.mp4", "cap": "again", "cut": [60, 60]}])");
  write("anno/two.json", R"([{"path": "b.mp4", "cap": "two"}])");
  write("data.txt", "first,anno/one.json\r\nsecond,anno/two.json\n");
  const CorpusListing listing = list("data.txt");
  ASSERT_EQ(listing.clips.size(), 2U);
  EXPECT_EQ(listing.clips[0].caption, "long caption");
  EXPECT_EQ(listing.clips[0].cut_first, 10);
  EXPECT_EQ(listing.clips[0].cut_end, 60);
  EXPECT_EQ(listing.clips[0].crop, (CropBox{100, 900, 0, 700}));
  EXPECT_EQ(listing.clips[1].name, "second/b.mp4");
  EXPECT_EQ(reasons(listing).at("one.json[1]"),
            "row whose cut or crop is of no use: \"cut\" holds no frame");
  write("wrong.txt", "just words\n");
  EXPECT_NE(failure("wrong.txt", ExitCode::kCorrupt).find("wrong.txt:1"), std::string::npos);
  write("gone.txt", "first,anno/three.json\n");
  EXPECT_NE(failure("gone.txt").find("three.json is not a file"), std::string::npos);
}

TEST_F(CorpusTable, TwoFilesLineByLine) {
  media("videos/a.mp4");
  media("b.mp4");
  media("unnamed.mp4");
  write("videos.txt", "\xEF\xBB\xBFvideos/a.mp4\nb.mp4\nc.mp4\r\n");
  for (const char* prompts : {"prompts.txt", "prompt.txt"}) {
    write(prompts, "one\ntwo\r\nthree\n");
    const CorpusListing listing = list();
    EXPECT_EQ(captions(listing), (Map{{"videos/a.mp4", "one"}, {"b.mp4", "two"}})) << prompts;
    EXPECT_EQ(reasons(listing), (Map{{"c.mp4", "file named by the list is not there: videos.txt:3"},
                                     {"unnamed.mp4", "not named by the list: videos.txt"}}));
    std::filesystem::remove(folder_ / prompts);
  }
  write("prompts.txt", "one\ntwo\n");
  EXPECT_NE(failure("", ExitCode::kCorrupt).find("3 lines"), std::string::npos);
}

TEST_F(CorpusTable, AListThatIsGivenMustHavePathsAndCaptions) {
  media("a.mp4");
  write("l.csv", "7,a.mp4,red\n");
  EXPECT_NE(failure("l.csv", ExitCode::kCorrupt).find("lacks a header line"), std::string::npos);
  write("l.csv", "Foo,Bar\nx,y\n");
  EXPECT_NE(failure("l.csv").find("its columns are Foo, Bar; none names a path"),
            std::string::npos);
  write("l.csv", "path,Captoin\na.mp4,red\n");
  EXPECT_NE(failure("l.csv").find("is \"Captoin\" meant as \"caption\"?"), std::string::npos);
  EXPECT_EQ(captions(list("l.csv", {.fallback = "given"})), (Map{{"a.mp4", "given"}}));
  write("l.json", "{\"a\": ");
  EXPECT_NE(failure("l.json", ExitCode::kCorrupt).find("l.json:1: not JSON"), std::string::npos);
}

TEST_F(CorpusTable, OtherCaptionColumnsAreSaid) {
  media("a.mp4");
  write("metadata.csv", "path,short_caption,text\na.mp4,short,long\n");
  const CorpusListing listing = list();
  EXPECT_EQ(captions(listing), (Map{{"a.mp4", "long"}}));
  EXPECT_EQ(notes(listing).at("metadata.csv"),
            "field that is not used: captions are those of \"text\"; short_caption only where it "
            "is empty");
}

TEST_F(CorpusTable, AHundredThousandWindowsOfAVideoAreClips) {
  media("a.mp4");
  std::string text = "[";
  for (int i = 0; i < 100000; ++i) {
    text += fmt::format(
        "{}{{\"path\": \"a.mp4\", \"cap\": [\"caption {} of a clip\"], \"fps\": 24, "
        "\"cut\": [{}, {}]}}",
        i > 0 ? ",\n" : "", i, i, i + 1);
  }
  write("metadata.json", text + "]");
  const CorpusListing listing = list();
  ASSERT_EQ(listing.clips.size(), 100000U);
  EXPECT_EQ(listing.clips[99999].caption, "caption 99999 of a clip");
  EXPECT_EQ(listing.clips[99999].cut_first, 99999);
}

}  // namespace
}  // namespace muybridge
