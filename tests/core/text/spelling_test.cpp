#include "core/text/spelling.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(Spelling, EditDistanceCountsTheFourMistakes) {
  EXPECT_EQ(edit_distance("width", "width"), 0);
  EXPECT_EQ(edit_distance("width", "widt"), 1);
  EXPECT_EQ(edit_distance("width", "widths"), 1);
  EXPECT_EQ(edit_distance("width", "wodth"), 1);
  EXPECT_EQ(edit_distance("width", "widht"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
}

TEST(Spelling, NearestKnowsTypingMistakesAndInitials) {
  const std::vector<std::string> known = {"learning_rate", "weight_decay", "steps", "eps"};
  EXPECT_EQ(nearest("learning_rat", known), "learning_rate");
  EXPECT_EQ(nearest("learningrate", known), "learning_rate");
  EXPECT_EQ(nearest("Steps", known), "steps");
  EXPECT_EQ(nearest("lr", known), "learning_rate");
  EXPECT_EQ(nearest("wd", known), "weight_decay");
}

TEST(Spelling, NothingIsNearToWhatIsDifferent) {
  EXPECT_EQ(nearest("optimizer", {"steps", "eps"}), "");
  EXPECT_EQ(nearest("", {"a"}), "");
  EXPECT_EQ(nearest("x", {"y"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {"a"}), "");
}

}  // namespace
}  // namespace muybridge
