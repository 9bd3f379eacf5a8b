#include "data/prepare/prepare.h"

#include <cmath>
#include <cstring>

#include "data/media/video_reader.h"
#include "tests/data/prepare/prepare_fixture.h"

namespace muybridge {
namespace {

TEST_F(Prepare, ClipsHoldTheFramesOfTheVideos) {
  const auto file = clip("a", 1, 1.5);
  options_.settings.size = {.resize = Resize::kCover, .width = 24, .height = 24};
  const PrepareReport result = run();
  EXPECT_EQ(result.clips_made, 2);
  const Frames wanted = read_video(file, {.size = options_.settings.size});
  ASSERT_EQ(wanted.count, 24);
  const std::vector<ClipRecord> all = records();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].caption, "caption of a");
  EXPECT_EQ(all[0].source, "a.mp4");
  EXPECT_EQ(all[0].frames, 16);
  EXPECT_EQ(all[1].frames, 8);
  EXPECT_EQ(all[0].height, 24);
  EXPECT_DOUBLE_EQ(all[0].fps, 16);
  EXPECT_DOUBLE_EQ(all[1].start_seconds, 1);
  const CorpusIndex corpus = index();
  for (int i = 0; i < 2; ++i) {
    std::vector<std::byte> bytes(corpus.clip_bytes(i));
    corpus.read(i, bytes);
    EXPECT_EQ(std::memcmp(bytes.data(), wanted.frame(16 * i), bytes.size()), 0);
  }
}

TEST_F(Prepare, WhatIsThereIsNotMadeAgain) {
  clips(4);
  EXPECT_EQ(run().clips_made, 4);
  const auto before = contents();
  const std::string shard = hash_file(shard_path(options_.output, 0));
  const PrepareReport again = run();
  EXPECT_EQ(again.clips_made, 0);
  EXPECT_EQ(again.sources_present, 4);
  EXPECT_EQ(again.frames_decoded, 0);
  EXPECT_EQ(hash_file(shard_path(options_.output, 0)), shard);
  clip("more", 9);
  EXPECT_EQ(run().clips_made, 1);
  EXPECT_EQ(contents().size(), 5U);
  EXPECT_TRUE(fs::exists(shard_path(options_.output, 1)));
}

TEST_F(Prepare, TheSameCorpusGivesTheSameClipsInTheSameOrder) {
  clips(12);
  clip("clip-03b", 40, 4);
  run();
  const std::string one = index().identity();
  const std::vector<ClipRecord> all = records();
  const auto pixels = contents();
  for (const int workers : {1, 5}) {
    options_.output = folder_ / fmt::format("out-{}", workers);
    options_.workers = workers;
    options_.shard_bytes = workers == 1 ? 1 : 1 << 20;
    run();
    EXPECT_EQ(index().identity(), one) << workers;
    EXPECT_EQ(records(), all) << workers;
    EXPECT_EQ(contents(), pixels) << workers;
  }
}

TEST_F(Prepare, LongVideosAreCutAtScenes) {
  write("in/film.txt", "a film");
  ffmpeg(
      "-f lavfi -i testsrc=size=64x48:rate=10:duration=2.5 -f lavfi -i "
      "color=blue:size=64x48:rate=10:duration=1.5 -f lavfi -i "
      "mandelbrot=size=64x48:rate=10:end_scale=0.2,trim=duration=2 "
      "-filter_complex '[0][1][2]concat=n=3' -c:v libx264 -pix_fmt yuv420p",
      "in/film.mp4");
  run();
  std::vector<std::pair<double, int>> spans;
  for (const ClipRecord& record : records())
    spans.emplace_back(record.start_seconds, record.frames);
  EXPECT_EQ(spans, (std::vector<std::pair<double, int>>{{0, 16}, {1.6, 9}, {2.5, 15}, {4, 16}}));
  EXPECT_NE(remarks(report().at("notes"))
                .at("film.mp4")
                .find("rests too short for a clip were dropped: 4 frames in 1 piece"),
            std::string::npos);
  options_.output = folder_ / "by-length";
  options_.settings.cutting = Cutting::kLength;
  run();
  EXPECT_EQ(records().size(), 4U);  // 16, 16, 16 and 12
  options_.output = folder_ / "first";
  options_.settings.cutting = Cutting::kNone;
  run();
  EXPECT_EQ(records().size(), 1U);
}

// A long video goes through in one piece: no frame is lost or twice, whatever the threads.
TEST_F(Prepare, NoFrameOfALongVideoIsLost) {
  write("in/long.txt", "a long video");
  const auto file = ffmpeg(
      "-f lavfi -i \"nullsrc=size=32x32:rate=25,geq=lum='16+2*mod(N,100)':cb=128:cr=128\" "
      "-frames:v 2500 -c:v libx264 -g 50 -bf 2 -crf 4 -pix_fmt yuv420p",
      "in/long.mp4");
  options_.settings.cutting = Cutting::kLength;
  options_.workers = 3;
  const PrepareReport result = run();
  EXPECT_EQ(result.frames_decoded, 2500);
  EXPECT_EQ(result.rest_frames, 4);
  const CorpusIndex corpus = index();
  const Frames whole = read_video(file);
  ASSERT_EQ(whole.count, 2500);
  int next = 0;
  for (std::size_t i = 0; i < corpus.clips().size(); ++i) {
    const auto number = static_cast<std::int64_t>(i);
    const ClipRecord record = corpus.record(number);
    EXPECT_NEAR(record.start_seconds, next / 25.0, 1e-9);
    std::vector<std::byte> bytes(corpus.clip_bytes(number));
    corpus.read(number, bytes);
    ASSERT_EQ(std::memcmp(bytes.data(), whole.frame(next), bytes.size()), 0) << next;
    next += record.frames;
  }
  EXPECT_EQ(next, 2496);
  EXPECT_EQ(run().frames_decoded, 0);
}

// Frames that do not fit into memory wait in a file.
// The rate changes from 60 to 10: each picture is used once, and each clip says its own rate.
TEST_F(Prepare, ClipsOfAVideoOfVaryingRateSayTheirOwn) {
  write("in/a.txt", "slower and slower");
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x64:r=60:d=4 -vf \"select='lt(t,2)+not(mod(n,6))'\" -fps_mode vfr "
      "-pix_fmt yuv420p",
      "in/a.mp4");
  options_.settings.cutting = Cutting::kLength;
  options_.settings.lengths = clip_lengths(20, 20, 1, 0);
  const PrepareReport result = run();
  EXPECT_EQ(result.frames_decoded, 140);
  const std::vector<ClipRecord> all = records();
  ASSERT_EQ(all.size(), 7U);
  EXPECT_NEAR(all[0].fps, 60, 0.1);
  EXPECT_NEAR(all[6].fps, 10, 0.1);
  EXPECT_NEAR(all[6].start_seconds, 2, 0.01);
  EXPECT_EQ(remarks(report().at("notes")).count("a.mp4"), 1U);
}

TEST_F(Prepare, BadFilesCostOnlyThemselves) {
  clip("good", 1);
  const auto whole = clip("whole", 8, 4);
  const std::string bytes = read_file(whole);  // its index is in front
  write("in/cut.txt", "cut");
  write("in/cut.mp4", bytes.substr(0, bytes.size() * 3 / 4));
  const std::string behind =
      read_file(ffmpeg(fmt::format("-i '{}' -c copy", whole.string()), "in/index-lost.mp4"));
  write("in/index-lost.mp4", behind.substr(0, behind.size() * 3 / 4));
  write("in/index-lost.txt", "x");
  write("in/empty.mp4", "");
  write("in/empty.txt", "x");
  write("in/text.mp4", "not a video");
  write("in/text.txt", "x");
  ffmpeg("-f lavfi -i sine=duration=1", "in/song.mp4");
  write("in/song.txt", "x");
  ::mkfifo((options_.input / "pipe.mp4").c_str(), 0600);
  write("in/pipe.txt", "x");
  fs::create_symlink("/nowhere/at/all", options_.input / "link.mp4");
  write("in/link.txt", "x");
  clip("latin", 2);
  write("in/latin.txt", "caf\xE9");
  clip("mute", 3);
  fs::remove(options_.input / "mute.txt");
  clip("long", 4);
  write("in/long.txt", std::string(100000, 'w'));
  ffmpeg("-f lavfi -i testsrc=size=40x40:rate=1 -frames:v 1", "in/picture.png");
  write("in/picture.txt", "a picture");
  options_.settings.lengths = clip_lengths(16, 4, 1, 0);
  clip("short", 5, 0.125);
  run();
  std::set<std::string> sources;
  for (const ClipRecord& record : records()) sources.insert(record.source);
  EXPECT_EQ(sources,
            (std::set<std::string>{"cut.mp4", "good.mp4", "long.mp4", "picture.png", "whole.mp4"}));
  const auto skipped = remarks(report().at("skipped"));
  EXPECT_EQ(skipped.size(), 9U);
  EXPECT_EQ(skipped.at("empty.mp4"), "cannot be used: the file is empty");
  EXPECT_NE(skipped.at("text.mp4").find("not a video"), std::string::npos);
  EXPECT_NE(skipped.at("song.mp4").find("only audio"), std::string::npos);
  EXPECT_NE(skipped.at("index-lost.mp4").find("moov"), std::string::npos);
  EXPECT_EQ(skipped.at("pipe.mp4"), "cannot be used: not a regular file");
  EXPECT_NE(skipped.at("link.mp4").find("No such file"), std::string::npos);
  EXPECT_EQ(skipped.at("latin.mp4"), "caption is not UTF-8: byte 3");
  EXPECT_EQ(skipped.at("mute.mp4"), "no caption");
  EXPECT_EQ(skipped.at("short.mp4"), "too short: 2 frames, and no scene has 4 (--min-frames)");
  const auto notes = remarks(report().at("notes"));
  EXPECT_NE(notes.at("cut.mp4").find("damaged"), std::string::npos);
  EXPECT_EQ(notes.at("long.mp4"), "caption cut: 100000 bytes to 2048");
}

TEST_F(Prepare, NothingUsableIsAnErrorWithAReport) {
  write("in/a.mp4", "no");
  write("in/a.txt", "x");
  try {
    run();
    FAIL() << "an empty corpus was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("report.json"), std::string::npos);
  }
  EXPECT_EQ(report().at("skipped").size(), 1U);
}

TEST_F(Prepare, OtherSettingsNeedAnotherFolder) {
  clips(1);
  run();
  const auto before = contents();
  options_.settings.lengths = clip_lengths(8, 0, 1, 0);
  try {
    run();
    FAIL() << "settings were mixed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("frames 16 there, 8 now"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(contents(), before);
}

TEST_F(Prepare, TheCorpusFollowsItsSource) {
  clips(3);
  run();
  write("in/clip-00.txt", "another caption");
  fs::remove(options_.input / "clip-01.mp4");
  const PrepareReport result = run();
  EXPECT_EQ(result.clips_made, 1);
  EXPECT_EQ(result.clips_retired, 2);
  const auto notes = remarks(report().at("notes"));
  EXPECT_NE(notes.at("clip-00.mp4").find("changed"), std::string::npos);
  EXPECT_NE(notes.at("clip-01.mp4").find("no longer in the corpus"), std::string::npos);
  std::map<std::string, std::string> captions;
  for (const ClipRecord& record : records()) captions[record.source] = record.caption;
  EXPECT_EQ(captions, (std::map<std::string, std::string>{{"clip-00.mp4", "another caption"},
                                                          {"clip-02.mp4", "caption of clip-02"}}));
  // What comes back is there still.
  write("in/clip-00.txt", "caption of clip-00");
  clip("clip-01", 1);
  EXPECT_EQ(run().clips_made, 0);
  EXPECT_EQ(records().size(), 3U);
  EXPECT_EQ(records()[0].caption, "caption of clip-00");
}

TEST_F(Prepare, TwoCorporaMayShareAFolder) {
  clips(2);
  run();
  fs::rename(options_.input, folder_ / "first");
  clip("other", 7);
  fs::rename(options_.input, folder_ / "second");
  options_.input = folder_ / "second";
  EXPECT_EQ(run().clips_retired, 0);
  EXPECT_EQ(records().size(), 3U);
}

TEST_F(Prepare, TheSameVideoTwiceIsOneClip) {
  const auto file = clip("a", 1);
  fs::copy(file, options_.input / "b.mp4");
  fs::copy(options_.input / "a.txt", options_.input / "b.txt");
  EXPECT_EQ(run().clips_made, 1);
  EXPECT_NE(remarks(report().at("notes")).at("b.mp4").find("the same video"), std::string::npos);
}

TEST_F(Prepare, HoldsOutClipsWhereTheCorpusDoesNotSay) {
  clips(12);
  const PrepareReport result = run();
  EXPECT_GE(result.clips_validation, 1);
  EXPECT_GE(result.clips_train, 8);
  EXPECT_EQ(run().clips_validation, result.clips_validation);
}

TEST_F(Prepare, KeepsTheSplitsOfTheCorpus) {
  clip("train/a", 1);
  clip("train/b", 2);
  clip("validation/c", 3);
  const PrepareReport result = run();
  EXPECT_EQ(result.clips_train, 2);
  EXPECT_EQ(result.clips_validation, 1);
}

TEST_F(Prepare, ReadsArchives) {
  clips(6);
  const std::string pack = fmt::format(
      "cd '{0}' && mkdir tars && tar -cf tars/a.tar -C in clip-00.mp4 clip-00.txt clip-01.mp4 "
      "clip-01.txt clip-02.mp4 clip-02.txt && tar -czf tars/b.tar.gz -C in clip-03.mp4 "
      "clip-03.txt clip-04.mp4 clip-04.txt clip-05.mp4 clip-05.txt",
      folder_.string());
  ASSERT_EQ(std::system(pack.c_str()), 0);
  run();
  std::set<std::string> wanted;
  for (const auto& [name, content] : contents()) wanted.insert(content);
  options_.input = folder_ / "tars";
  options_.output = folder_ / "from-tars";
  options_.workers = 4;
  EXPECT_EQ(run().clips_made, 6);
  std::set<std::string> got;
  for (const auto& [name, content] : contents()) got.insert(content);
  EXPECT_EQ(got, wanted);
  for (const auto& entry : fs::directory_iterator(options_.output)) {
    EXPECT_EQ(entry.path().filename().string().find(".member"), std::string::npos);
  }
  EXPECT_EQ(run().clips_made, 0);
}

TEST_F(Prepare, CropAndCutOfAnEntryAreUsed) {
  clip("a", 1, 2);
  write("in/data.json", R"([{"path": "a.mp4", "cap": "one", "cut": [8, 20], "crop": [0, 24, 0, 16]},
                            {"path": "a.mp4", "cap": "two"}])");
  options_.input = folder_ / "in" / "data.json";
  options_.settings.size.multiple = 8;
  run();
  const std::vector<ClipRecord> all = records();
  ASSERT_EQ(all.size(), 3U);  // in the order of time
  EXPECT_EQ(all[0].width, 48);
  EXPECT_EQ(all[1].width, 24);
  EXPECT_EQ(all[1].height, 16);
  EXPECT_EQ(all[1].frames, 12);
  EXPECT_DOUBLE_EQ(all[1].start_seconds, 0.5);
  EXPECT_EQ(all[2].caption, "two");
}

TEST_F(Prepare, WrongOptionsAreNamed) {
  clips(1);
  const auto refused = [&](const std::string& part) {
    try {
      run();
      ADD_FAILURE() << part << " went through";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  const PrepareOptions good = options_;
  options_.settings.lengths.longest = 0;
  refused("--frames");
  options_ = good;
  options_.settings.lengths.shortest = 99;
  refused("--min-frames");
  options_ = good;
  options_.settings.fps = -1;
  refused("--fps");
  options_ = good;
  options_.settings.size = {.resize = Resize::kCover, .width = 0, .height = 10};
  refused("--size");
  options_ = good;
  options_.part = 3;
  refused("--shard-of");
  options_ = good;
  options_.output = options_.input;
  refused("another folder");
  options_ = good;
  options_.input = folder_ / "missing";
  refused("missing");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Prepare, TheRestOfASceneIsAtLeastAQuarterOfAClip) {
  EXPECT_EQ(clip_lengths(81, 0, 1, 0).rest, 20);
  EXPECT_EQ(clip_lengths(16, 0, 1, 0).rest, clip_lengths(16, 0, 1, 0).shortest);
  EXPECT_EQ(clip_lengths(81, 9, 1, 0).rest, 9);
}

}  // namespace
}  // namespace muybridge
