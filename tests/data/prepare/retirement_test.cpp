#include "data/prepare/retirement.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

using Names = std::vector<std::string>;
using Set = std::set<std::string>;

const std::vector<PresentClips::Origin> kThere = {
    {"a1", "/corpus", "a.mp4", 3}, {"b1", "/corpus", "b.mp4", 2}, {"z1", "/other", "a.mp4", 1}};

TEST(Retirement, AChangedCaptionRetiresTheOlderClips) {
  const Retirement result =
      retire({"/corpus", {"a.mp4", "b.mp4"}, {{"a.mp4", {"a2"}}, {"b.mp4", {"b1"}}}}, kThere, {});
  EXPECT_EQ(result.identities, (Set{"a1"}));
  EXPECT_EQ(result.changed, (Names{"a.mp4"}));
  EXPECT_TRUE(result.removed.empty());
}

TEST(Retirement, ARemovedFileRetiresItsClips) {
  const Retirement result = retire({"/corpus", {"b.mp4"}, {{"b.mp4", {"b1"}}}}, kThere, {});
  EXPECT_EQ(result.identities, (Set{"a1"}));
  EXPECT_EQ(result.removed, (Names{"a.mp4"}));
}

TEST(Retirement, WhatIsCurrentAgainCountsAgain) {
  const Retirement result =
      retire({"/corpus", {"a.mp4", "b.mp4"}, {{"a.mp4", {"a1"}}, {"b.mp4", {"b1"}}}}, kThere,
             {"a1", "old"});
  EXPECT_EQ(result.identities, (Set{"old"}));
  EXPECT_TRUE(result.changed.empty());
}

TEST(Retirement, WhatWasNotReadStaysAsItIs) {
  const Retirement result = retire({"/corpus", {"a.mp4", "b.mp4"}, {}}, kThere, {"b1"});
  EXPECT_EQ(result.identities, (Set{"b1"}));
}

TEST(Retirement, OtherCorporaInTheSameFolderStay) {
  const Retirement result = retire({"/third", {"x.mp4"}, {{"x.mp4", {"x1"}}}}, kThere, {});
  EXPECT_TRUE(result.identities.empty());
}

TEST(Retirement, ARenamedFileKeepsItsClips) {
  const Retirement result =
      retire({"/corpus", {"new.mp4", "b.mp4"}, {{"new.mp4", {"a1"}}}}, kThere, {});
  EXPECT_TRUE(result.identities.empty());
}

TEST(Retirement, IsToldOfOnce) {
  const CorpusView view{"/corpus", {"b.mp4"}, {{"b.mp4", {"b1"}}}};
  const Retirement first = retire(view, kThere, {});
  const Retirement second = retire(view, kThere, first.identities);
  EXPECT_EQ(second.identities, first.identities);
  EXPECT_TRUE(second.removed.empty());
}

}  // namespace
}  // namespace muybridge
