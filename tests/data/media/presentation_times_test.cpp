#include "data/media/presentation_times.h"

#include <gmock/gmock.h>

#include <utility>

#include "tests/data/media/footage_folder.h"

namespace muybridge {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class PresentationTimesTest : public FootageFolder {};

struct Picture {
  char kind = 'P';
  std::int64_t ticks = 0;  // of its packet
};

// Sends `packets`, then takes the pictures in `shown`.
std::vector<std::int64_t> times_of(const std::vector<std::int64_t>& packets,
                                   const std::vector<Picture>& shown) {
  PresentationTimes times;
  const AvPacket packet = make_packet();
  for (const std::int64_t ticks : packets) {
    packet->pts = ticks;
    times.sent(*packet);
  }
  std::vector<std::int64_t> result;
  for (const Picture& picture : shown) {
    const AvFrame frame = make_frame();
    frame->pts = frame->best_effort_timestamp = picture.ticks;
    frame->pict_type = picture.kind == 'I'   ? AV_PICTURE_TYPE_I
                       : picture.kind == 'B' ? AV_PICTURE_TYPE_B
                                             : AV_PICTURE_TYPE_P;
    result.push_back(times.of(*frame).value_or(-1));
  }
  return result;
}

TEST(PresentationTimes, TimesOfDecodingAreGivenInOrder) {
  EXPECT_THAT(times_of({0, 1, 2, 3, 4}, {{'I', 0}, {'B', 2}, {'B', 3}, {'P', 1}, {'P', 4}}),
              ElementsAre(0, 1, 2, 3, 4));
}

TEST(PresentationTimes, TimesOfSeeingStayWithTheirPictures) {
  EXPECT_THAT(times_of({0, 3, 1, 2, 7}, {{'I', 0}, {'B', 1}, {'B', 2}, {'P', 3}, {'P', 7}}),
              ElementsAre(0, 1, 2, 3, 7));
}

// Packets of pictures that are never shown, as VP9 has them and streams that were cut.
TEST(PresentationTimes, PicturesThatAreLeftOutShiftNothing) {
  EXPECT_THAT(times_of({0, 1, 2, 3, 4}, {{'I', 0}, {'P', 2}, {'P', 4}}), ElementsAre(0, 2, 4));
}

TEST_F(PresentationTimesTest, MxfWithLaterReferences) {
  const auto file = numbered_from(
      "a.mxf", 0, 60, "-c:v libx264 -crf 4 -pix_fmt yuv420p -g 24 -x264-params bframes=3");
  for (const int threads : {1, 3}) {
    const Footage read = footage(file, threads);
    EXPECT_EQ(read.numbers, counted(60));
    expect_steady(read.times, 1e-6);
    EXPECT_THAT(
        read.notes,
        ElementsAre("its times are those of decoding: given to its pictures in their order"));
  }
}

TEST_F(PresentationTimesTest, OtherContainersSayWhenPicturesAreSeen) {
  for (const char* name : {"a.mp4", "a.mkv", "a.ts", "a.flv", "a.nut"}) {
    const Footage read = footage(numbered_from(
        name, 0, 60, "-c:v libx264 -crf 4 -pix_fmt yuv420p -g 24 -x264-params bframes=3"));
    EXPECT_EQ(read.numbers, counted(60)) << name;
    expect_steady(read.times, 0.0011);
    EXPECT_THAT(read.notes, Not(Contains(HasSubstr("times")))) << name;
  }
}

}  // namespace
}  // namespace muybridge
