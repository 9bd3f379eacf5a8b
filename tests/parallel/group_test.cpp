#include "parallel/group.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "parallel/host/local_ranks.h"
#include "tests/parallel/collective_claims.h"

namespace muybridge {
namespace {

TEST(SoloGroup, EveryCollectiveIsTheIdentity) {
  const auto group = solo_group();
  EXPECT_EQ(group->rank(), 0);
  EXPECT_EQ(group->size(), 1);
  expect_all_reduce(*group);
  expect_broadcast(*group);
  expect_all_gather(*group);
  expect_reduce_scatter(*group);
  expect_all_to_all(*group);
  expect_split(*group);
  EXPECT_TRUE(group->barrier().done());
  EXPECT_EQ(group->split(-1, 0, "none"), nullptr);
}

TEST(Group, RefusesTensorsThatDoNotFit) {
  const auto group = solo_group();
  const Tensor x = Tensor::zeros({6});
  EXPECT_THROW(group->all_reduce(Tensor()), std::invalid_argument);
  EXPECT_THROW(group->all_reduce(Tensor::zeros({6}, DType::kU8)), std::invalid_argument);
  EXPECT_THROW(group->broadcast(x, 1), std::invalid_argument);
  EXPECT_THROW(group->all_gather(x, Tensor::zeros({7})), std::invalid_argument);
  EXPECT_THROW(group->all_gather(x, Tensor::zeros({6}, DType::kF64)), std::invalid_argument);
  EXPECT_THROW(group->reduce_scatter(x, Tensor::zeros({5})), std::invalid_argument);
  EXPECT_THROW(group->all_to_all(x, Tensor::zeros({5})), std::invalid_argument);
  EXPECT_THROW(group->exchange({{0, x}}, {}), std::invalid_argument);
  EXPECT_THROW(group->exchange({}, {{-1, x}}), std::invalid_argument);
  EXPECT_TRUE(group->exchange({}, {}).received.done());
}

TEST(Group, RefusesTensorsThatDoNotSplitAmongItsRanks) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const Tensor x = Tensor::zeros({7});
    EXPECT_THROW(group->all_to_all(x, x.clone()), std::invalid_argument);
    EXPECT_THROW(group->all_to_all(x.rows(0, 6), x.rows(0, 6)), std::invalid_argument);
    EXPECT_THROW(group->all_gather(x.rows(0, 2), x), std::invalid_argument);
  });
}

TEST(Group, RefusesAnExchangeThatCannotBe) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const Tensor x = Tensor::zeros({7});
    const int next = (group->rank() + 1) % 3;
    const int after = (group->rank() + 2) % 3;
    const auto refuses = [&](const std::vector<Parcel>& sends,
                             const std::vector<Parcel>& receives) {
      EXPECT_THROW(group->exchange(sends, receives), std::invalid_argument);
    };
    refuses({{group->rank(), x}}, {});
    refuses({}, {{group->rank(), x}});
    refuses({{3, x}}, {});
    refuses({}, {{-1, x}});
    refuses({{next, Tensor()}}, {});
    refuses({{next, x.rows(0, 4)}}, {{after, x.rows(3, 4)}});
    refuses({}, {{next, x.rows(0, 4)}, {after, x.rows(3, 4)}});
    // Neighbours in memory are fine, and what is sent may go to several.
    group
        ->exchange({{next, x.rows(0, 1)}, {after, x.rows(0, 1)}},
                   {{next, x.rows(1, 1)}, {after, x.rows(2, 1)}})
        .wait();
  });
}

TEST(Group, TensorsWithoutElementsNeedNoMessages) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    const Tensor none = Tensor::zeros({0});
    EXPECT_TRUE(group->all_reduce(none).done());
    EXPECT_TRUE(group->all_gather(none, none).done());
    EXPECT_TRUE(group->exchange({{1 - group->rank(), none}}, {}).sent.done());
  });
}

}  // namespace
}  // namespace muybridge
