// Which files are taken for what, by their names and by what is in them.
#include "tests/data/prepare/prepare_fixture.h"

namespace muybridge {
namespace {

TEST_F(Prepare, FilesOfOnePictureAreImagesWhateverTheirContainer) {
  const std::string still = "-f lavfi -i testsrc=size=64x48 -frames:v 1 ";
  const std::map<std::string, std::string> encoders = {
      {"still.gif", still},
      {"still.apng", still + "-f apng"},
      {"still.avif",
       still + "-pix_fmt yuv420p -c:v libaom-av1 -cpu-used 8 -still-picture 1 -f avif"},
      {"still.jfif", still + "-f mjpeg -pix_fmt yuvj420p"},
      {"still.pgm", still + "-pix_fmt gray -c:v pgm -f image2pipe"}};
  for (const auto& [name, encoder] : encoders) {
    ffmpeg(encoder, "in/" + name);
    write("in/" + name + ".txt", name);
  }
  ffmpeg("-f lavfi -i testsrc=size=64x48:rate=10 -frames:v 16", "in/moving.gif");
  write("in/moving.gif.txt", "moving");
  run();
  std::map<std::string, int> frames;
  for (const ClipRecord& record : records()) frames[record.source] += record.frames;
  std::map<std::string, int> expected = {{"moving.gif", 16}};
  for (const auto& [name, encoder] : encoders) expected[name] = 1;
  EXPECT_EQ(frames, expected) << read_file(options_.output / "report.json");
}

// What bench/results/footage.md tries, under the names that people give it.
TEST_F(Prepare, EveryContainerIsKnownByItsEnding) {
  const std::string moving =
      "-f lavfi -i testsrc=size=64x48:rate=25 -frames:v 20 -pix_fmt yuv420p ";
  const std::map<std::string, std::string> kinds = {{"vob", "-c:v mpeg2video -f vob"},
                                                    {"ogg", "-c:v libtheora -f ogg"},
                                                    {"m2v", "-c:v mpeg2video -f mpeg2video"},
                                                    {"264", "-c:v libx264 -f h264"},
                                                    {"nut", "-c:v mpeg4 -f nut"},
                                                    {"y4m", "-f yuv4mpegpipe"},
                                                    {"f4v", "-c:v libx264 -f f4v"},
                                                    {"qt", "-c:v libx264 -f mov"},
                                                    {"3g2", "-c:v libx264 -f 3g2"},
                                                    {"mkv", "-c:v ffv1"},
                                                    {"m1v", "-c:v mpeg1video -f mpeg1video"}};
  std::set<std::string> expected, found;
  for (const auto& [ending, encoder] : kinds) {
    ffmpeg(moving + encoder, "in/a." + ending);
    write("in/a." + ending + ".txt", ending);
    expected.insert("a." + ending);
  }
  run();
  for (const ClipRecord& record : records()) found.insert(record.source);
  EXPECT_EQ(found, expected) << read_file(options_.output / "report.json");
}

}  // namespace
}  // namespace muybridge
