#include "parallel/values.h"

#include <gtest/gtest.h>

#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

TEST(Values, AreReducedOverTheGroup) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    EXPECT_EQ(all_reduce_value(*group, 1.5 * group->rank(), Reduce::kSum), 4.5);
    EXPECT_EQ(all_reduce_value(*group, -group->rank(), Reduce::kMax), 0.0);
  });
}

TEST(Values, TextsOfAnyLengthAreGatheredByRank) {
  for (const int size : {1, 4})
    run_local_ranks(size, [&](const std::shared_ptr<Group>& group) {
      const auto text_of = [](int rank) {
        return std::string(static_cast<std::size_t>(rank) * 7, 'a');
      };
      const std::vector<std::string> texts = all_gather_text(*group, text_of(group->rank()));
      ASSERT_EQ(texts.size(), static_cast<std::size_t>(size));
      for (int q = 0; q < size; ++q) EXPECT_EQ(texts[static_cast<std::size_t>(q)], text_of(q));
    });
}

TEST(Values, TextsAreGatheredOnOneRankAlone) {
  run_local_ranks(4, [](const std::shared_ptr<Group>& group) {
    const auto text_of = [](int rank) {
      return std::string(static_cast<std::size_t>(rank % 3) * 7, static_cast<char>('a' + rank));
    };
    const std::vector<std::string> texts = gather_text(*group, text_of(group->rank()), 2);
    if (group->rank() != 2) {
      EXPECT_TRUE(texts.empty());
    } else {
      EXPECT_EQ(texts, (std::vector{text_of(0), text_of(1), text_of(2), text_of(3)}));
    }
  });
}

TEST(Values, TextOfTheRootReachesAll) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const std::string mine = group->rank() == 2 ? std::string("zwölf\0null", 11) : "other";
    EXPECT_EQ(broadcast_text(*group, mine, 2), std::string("zwölf\0null", 11));
    EXPECT_EQ(broadcast_text(*group, group->rank() == 0 ? "" : "x", 0), "");
  });
}

}  // namespace
}  // namespace muybridge
