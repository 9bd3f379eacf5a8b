#include "data/media/transport_joins.h"

#include <gmock/gmock.h>

#include "tests/data/media/footage_folder.h"

namespace muybridge {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class TransportJoinsTest : public FootageFolder {};

constexpr const char* kH264 =
    "-c:v libx264 -crf 4 -pix_fmt yuv420p -x264-params open-gop=1:keyint=10:bframes=3";
constexpr const char* kMpeg2 = "-c:v mpeg2video -q:v 2 -bf 2 -g 10";

TEST_F(TransportJoinsTest, EachPictureFollowsTheLast) {
  for (const auto& [ending, codec] : {std::pair{"ts", kH264}, {"ts", kMpeg2}, {"mpg", kMpeg2}}) {
    // The second begins before the first, and so much before it that libav takes its counter of 33
    // bits for one that ran over.
    for (const char* offset : {"", "-output_ts_offset 300"}) {
      const auto first =
          numbered_from(fmt::format("a.{}", ending), 0, 20, fmt::format("{} {}", codec, offset));
      const auto second = numbered_from(fmt::format("b.{}", ending), 20, 20, codec);
      const auto third = numbered_from(fmt::format("c.{}", ending), 40, 20, codec);
      const auto file = joined(fmt::format("abc.{}", ending),
                               joined(fmt::format("ab.{}", ending), first, second), third);
      for (const int threads : {1, 3}) {
        const Footage read = footage(file, threads);
        EXPECT_EQ(read.numbers, counted(60)) << codec << offset;
        expect_steady(read.times, 0.001);
        EXPECT_EQ(read.damage, "") << codec << offset;
        EXPECT_THAT(read.notes, Contains("joined recordings, read one after the other: 3"))
            << codec << offset;
      }
    }
  }
}

// Pictures that need some of before the cut would be made of another recording's.
TEST_F(TransportJoinsTest, ARecordingThatWasCutUsesNoPictureOfTheOneBefore) {
  for (const char* codec : {kH264, kMpeg2}) {
    const auto first = numbered_from("a.ts", 85, 15, codec);
    const auto whole = numbered_from("whole.ts", 0, 40, codec);
    ffmpeg(fmt::format("-i '{}' -c copy -f segment -segment_times 0.3 -segment_format mpegts",
                       whole.string()),
           "cut-%d.ts");
    const auto cut = folder_ / "cut-1.ts";
    const Footage alone = footage(cut);
    ASSERT_GT(alone.numbers.size(), 15U) << codec;
    std::vector<int> wanted = footage(first).numbers;
    wanted.insert(wanted.end(), alone.numbers.begin(), alone.numbers.end());
    const Footage both = footage(joined("both.ts", first, cut));
    EXPECT_EQ(both.numbers, wanted) << codec;
    EXPECT_EQ(both.damage, alone.damage) << codec;
  }
}

TEST_F(TransportJoinsTest, OneRecordingHasNoJoin) {
  for (const char* name : {"a.ts", "a.mpg"}) {
    const Footage read = footage(numbered_from(name, 0, 100, kMpeg2));
    EXPECT_EQ(read.numbers, counted(100)) << name;
    for (const std::string& note : read.notes) EXPECT_THAT(note, Not(HasSubstr("joined"))) << name;
  }
}

TEST_F(TransportJoinsTest, AnotherProgramIsSaid) {
  const auto first = numbered_from("a.ts", 0, 20, kH264);
  const auto second =
      numbered_from("b.ts", 20, 20, std::string(kH264) + " -streamid 0:500 -mpegts_service_id 7");
  const Footage read = footage(joined("ab.ts", first, second));
  EXPECT_EQ(read.numbers, counted(20));
  EXPECT_THAT(read.notes, Contains("other video streams in it, not read: 1"));
}

}  // namespace
}  // namespace muybridge
