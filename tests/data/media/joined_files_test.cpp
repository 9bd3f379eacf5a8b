#include "data/media/joined_files.h"

#include <gmock/gmock.h>

#include "tests/data/media/footage_folder.h"

namespace muybridge {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class JoinedFiles : public FootageFolder {};

constexpr const char* kH264 = "-c:v libx264 -g 10 -bf 2 -crf 4 -pix_fmt yuv420p";

// Containers of which libav reads the first file and says nothing of the rest.
const std::pair<const char*, std::string> kKinds[] = {
    {"mp4", kH264},
    {"mov", std::string(kH264) + " -movflags +faststart"},
    {"m4v", std::string(kH264) + " -f mp4 -movflags frag_keyframe+empty_moov"},
    {"flv", kH264},
    {"wmv", "-c:v wmv2 -q:v 2"},
    {"mxf", "-c:v mpeg2video -q:v 2 -bf 2"},
    {"nut", "-c:v ffv1 -pix_fmt yuv420p"},
    {"apng", "-pix_fmt gray"},
    {"ivf", "-c:v libvpx -b:v 2M -deadline realtime"},
    {"rm", "-c:v rv20 -q:v 2"},
    {"wtv", "-c:v mpeg2video -q:v 2"},
    {"swf", "-c:v flv -q:v 2"}};

TEST_F(JoinedFiles, TheFirstIsReadAndTheRestIsSaid) {
  for (const auto& [ending, codec] : kKinds) {
    const auto first = numbered_from(fmt::format("a.{}", ending), 0, 20, codec);
    const auto second = numbered_from(fmt::format("b.{}", ending), 20, 20, codec);
    const Footage alone = footage(first);
    EXPECT_EQ(alone.numbers.size(), 20U) << ending;
    for (const std::string& note : alone.notes)
      EXPECT_THAT(note, Not(HasSubstr("joined"))) << ending;
    for (const int threads : {1, 3}) {
      const Footage both = footage(joined(fmt::format("ab.{}", ending), first, second), threads);
      EXPECT_EQ(both.numbers, alone.numbers) << ending;
      EXPECT_EQ(both.times, alone.times) << ending;
      EXPECT_EQ(both.damage, "") << ending;
      EXPECT_THAT(both.notes,
                  Contains(fmt::format(
                      "joined files, only the first is read: the second "
                      "begins at byte {} of {}",
                      std::filesystem::file_size(first),
                      std::filesystem::file_size(first) + std::filesystem::file_size(second))))
          << ending;
    }
  }
}

// Their headers come again between the pictures.
TEST_F(JoinedFiles, OggIsReadOn) {
  for (const char* codec : {"-c:v libtheora -q:v 9", "-c:v libvpx -b:v 2M -deadline realtime"}) {
    const auto first = numbered_from("a.ogv", 0, 20, codec);
    const auto second = numbered_from("b.ogv", 20, 20, codec);
    const Footage both = footage(joined("ab.ogv", first, second));
    EXPECT_EQ(both.numbers, counted(40)) << codec;
    EXPECT_EQ(both.damage, "") << codec;
  }
}

// Of GIFs libav reads the first or all, as their lengths fall.
TEST_F(JoinedFiles, OfGifsAllIsReadOrTheRestIsSaid) {
  for (int count = 1; count < 40; count += 6) {
    const auto first = numbered_from("a.gif", 0, count, "-pix_fmt gray");
    const auto second = numbered_from("b.gif", count, 20, "-pix_fmt gray");
    const Footage both = footage(joined("ab.gif", first, second));
    const bool said = !both.notes.empty() && both.notes[0].starts_with("joined files");
    EXPECT_EQ(both.numbers, counted(said ? count : count + 20));
    EXPECT_EQ(both.damage, "");
  }
}

// An index behind the pictures, a sound that is longer: not all that follows them is another file.
TEST_F(JoinedFiles, WhatBelongsToAFileIsNoSecondOne) {
  for (const char* name : {"a.mp4", "a.flv", "a.wmv"}) {
    const auto silent = numbered(std::string("silent-") + name, 20);
    const Footage read = footage(
        ffmpeg(fmt::format("-i '{}' -f lavfi -i sine=d=9 -c:v copy", silent.string()), name));
    EXPECT_EQ(read.numbers.size(), 20U) << name;
    for (const std::string& note : read.notes) EXPECT_THAT(note, Not(HasSubstr("joined"))) << name;
  }
}

// An old QuickTime movie may have a second `moov` before its media; libav takes the first.
TEST_F(JoinedFiles, ASecondHeaderBeforeTheMediaEndsNothing) {
  const std::string bytes = read_file(numbered("a.mp4", 20, 25, "-movflags +faststart"));
  const std::size_t moov = bytes.find("moov") - 4;
  std::string header("\0\0\0\x10moov\0\0\0\x08udta", 16);
  const auto file = write("b.mp4", bytes.substr(0, moov) + header + bytes.substr(moov));
  EXPECT_EQ(movie_parts(VideoFile(open_to_read(file))).second, std::nullopt);
}

}  // namespace
}  // namespace muybridge
