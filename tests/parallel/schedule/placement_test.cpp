#include "parallel/schedule/placement.h"

#include <gtest/gtest.h>

#include <set>

namespace muybridge {
namespace {

TEST(Placement, LoopedBeginsAtTheFirstRankAgain) {
  const Placement placement{4, 2, Fold::kLooped};
  EXPECT_EQ(placement.section_of(1, 0), 1);
  EXPECT_EQ(placement.section_of(1, 1), 5);
}

TEST(Placement, AVTurnsAtTheLastRank) {
  const Placement placement{4, 3, Fold::kV};
  EXPECT_EQ(placement.section_of(3, 0), 3);
  EXPECT_EQ(placement.section_of(3, 1), 4);
  EXPECT_EQ(placement.section_of(0, 1), 7);
  EXPECT_EQ(placement.section_of(0, 2), 8);
}

TEST(Placement, EverySectionHasOnePlaceAndComesBackFromIt) {
  for (const Fold fold : {Fold::kLooped, Fold::kV})
    for (int stages = 1; stages <= 8; ++stages)
      for (int virtual_stages = 1; virtual_stages <= 4; ++virtual_stages) {
        const Placement placement{stages, virtual_stages, fold};
        std::set<int> sections;
        for (int r = 0; r < stages; ++r)
          for (int c = 0; c < virtual_stages; ++c) {
            const int section = placement.section_of(r, c);
            EXPECT_EQ(placement.place_of(section), (ChunkPlace{r, c}));
            sections.insert(section);
          }
        EXPECT_EQ(static_cast<int>(sections.size()), placement.sections());
        EXPECT_EQ(*sections.rbegin(), placement.sections() - 1);
      }
}

}  // namespace
}  // namespace muybridge
