#include "eval/scoring/caption.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(ReadCaption, UnderstandsEveryCaptionOfTheCorpora) {
  for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
    for (std::uint64_t number = 0; number < 1000; ++number) {
      const std::string caption =
          synthesize(kind, {.width = 16, .height = 16, .frames = 1}, 31, Split::kTrain, number)
              .caption;
      const std::optional<Claims> claims = read_caption(caption);
      ASSERT_TRUE(claims.has_value()) << caption;
      EXPECT_EQ(claims->kind, kind) << caption;
    }
  }
}

TEST(ReadCaption, TellsOneShapeFromTwo) {
  EXPECT_EQ(read_caption("A red circle moving left.")->things,
            (std::vector<Claim>{{"red", "circle", -1, 0}}));
  EXPECT_EQ(read_caption("a red circle moving left and a blue square moving up")->things,
            (std::vector<Claim>{{"red", "circle", -1, 0}, {"blue", "square", 0, -1}}));
}

TEST(ReadCaption, TellsThrowsApart) {
  const auto ball = [](const char* text) { return read_caption(text)->things.front(); };
  EXPECT_EQ(ball("a red ball thrown straight up"), (Claim{"red", "ball", 0, -1}));
  EXPECT_EQ(ball("a red ball thrown up to the left"), (Claim{"red", "ball", -1, -1}));
  EXPECT_EQ(ball("the red ball is thrown to the right"), (Claim{"red", "ball", 1, 1}));
  EXPECT_EQ(ball("a red ball dropped"), (Claim{"red", "ball", 0, 1}));
  EXPECT_EQ(ball("a red ball falling down"), (Claim{"red", "ball", 0, 1}));
}

}  // namespace
}  // namespace muybridge
