#include "data/media/video_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muybridge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> notes_of(const VideoClock& clock) {
  VideoNotes notes;
  clock.explain(notes);
  return notes.all();
}

TEST(VideoClock, CountsFromTheFirstPicture) {
  VideoClock clock(0.001, 0.04);
  EXPECT_DOUBLE_EQ(clock.place(-200, 33).begin, 0);
  const PictureTime second = clock.place(-167, 34);
  EXPECT_DOUBLE_EQ(second.begin, 0.033);
  EXPECT_DOUBLE_EQ(second.duration, 0.034);
  EXPECT_THAT(notes_of(clock), IsEmpty());
}

TEST(VideoClock, RoundedTimesAreOfOneRate) {
  VideoClock clock(0.001, 0.04);
  for (int i = 0; i < 200; ++i) clock.place(i * 1000 / 240, 4);
  EXPECT_THAT(notes_of(clock), IsEmpty());
}

TEST(VideoClock, APauseIsNoJump) {
  VideoClock clock(1, 0.04);
  clock.place(0, 1);
  EXPECT_DOUBLE_EQ(clock.place(600, 1).begin, 600);
  EXPECT_DOUBLE_EQ(clock.place(601, 1).begin, 601);
  EXPECT_THAT(notes_of(clock), ElementsAre("its rate varies: 0.00167 to 1 pictures a second"));
}

TEST(VideoClock, BehindAJumpItGoesOn) {
  VideoClock clock(0.01, 0.04);
  clock.place(0, 5);
  clock.place(5, 5);
  EXPECT_NEAR(clock.place(70005, 5).begin, 0.1, 1e-9);
  EXPECT_NEAR(clock.place(70010, 5).begin, 0.15, 1e-9);
  EXPECT_NEAR(clock.place(3, 5).begin, 0.2, 1e-9);
  EXPECT_NEAR(clock.place(8, 5).begin, 0.25, 1e-9);
  EXPECT_THAT(notes_of(clock),
              ElementsAre(HasSubstr("jumps: by +700.00 s after 0.05 s and 1 times")));
}

// As an MPEG program with few times is read: two pictures get the times of those before.
TEST(VideoClock, AClockThatComesBackIsBelieved) {
  VideoClock clock(0.01, 0.04);
  for (int i = 0; i < 5; ++i) clock.place(4 * i, 4);
  for (int i = 5; i < 9; ++i) EXPECT_NEAR(clock.place(4 * (i - 2), 4).begin, 0.04 * i, 1e-9);
  for (int i = 9; i < 12; ++i) EXPECT_NEAR(clock.place(4 * i, 4).begin, 0.04 * i, 1e-9);
  EXPECT_NEAR(clock.place(64, 4).begin, 0.64, 1e-9);
  EXPECT_THAT(notes_of(clock), ElementsAre(HasSubstr("varies"), HasSubstr("jumps: by -0.04 s")));
}

TEST(VideoClock, PicturesWithoutTimesFollowTheirDurations) {
  VideoClock clock(0.01, 0.04);
  EXPECT_DOUBLE_EQ(clock.place(std::nullopt, 0).begin, 0);
  EXPECT_DOUBLE_EQ(clock.place(std::nullopt, 5).begin, 0.04);
  EXPECT_DOUBLE_EQ(clock.place(std::nullopt, 0).begin, 0.09);
  EXPECT_THAT(notes_of(clock), ElementsAre("its pictures have no times: 25 a second assumed"));
}

TEST(VideoClock, TheFirstTimeThatComesSetsIt) {
  VideoClock clock(0.01, 0.04);
  clock.place(std::nullopt, 4);
  EXPECT_NEAR(clock.place(1000, 4).begin, 0.04, 1e-9);
  EXPECT_NEAR(clock.place(1004, 4).begin, 0.08, 1e-9);
  EXPECT_THAT(notes_of(clock), IsEmpty());
}

TEST(VideoClock, AJumpBehindAGuessIsNoRounding) {
  VideoClock clock(0.01, 0.04);
  for (int i = 0; i < 10; ++i) clock.place(4 * i, 4);
  EXPECT_NEAR(clock.place(std::nullopt, 4).begin, 0.4, 1e-9);
  EXPECT_NEAR(clock.place(0, 4).begin, 0.44, 1e-9);
  EXPECT_NEAR(clock.place(4, 4).begin, 0.48, 1e-9);
}

TEST(VideoClock, RoundingNeverRunsBackwards) {
  VideoClock clock(0.01, 0.045);
  clock.place(0, 0);
  EXPECT_NEAR(clock.place(std::nullopt, 0).begin, 0.045, 1e-9);
  EXPECT_NEAR(clock.place(4, 0).begin, 0.045, 1e-9);
  EXPECT_NEAR(clock.place(8, 0).begin, 0.08, 1e-9);
  EXPECT_THAT(notes_of(clock), ElementsAre());
}

}  // namespace
}  // namespace muybridge
