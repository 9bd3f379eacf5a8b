#include "parallel/group_stream.h"

#include <gtest/gtest.h>

#include "parallel/local_ranks.h"
#include "tests/parallel/collective_claims.h"

namespace muybridge {
namespace {

class StreamGroupOfRanks : public ::testing::TestWithParam<int> {
 protected:
  static void on_all_ranks(void (*claim)(Group&)) {
    run_local_ranks(GetParam(), [&](const std::shared_ptr<Group>& group) { claim(*group); });
  }
};

TEST_P(StreamGroupOfRanks, AllReduce) { on_all_ranks(expect_all_reduce); }
TEST_P(StreamGroupOfRanks, Broadcast) { on_all_ranks(expect_broadcast); }
TEST_P(StreamGroupOfRanks, AllGather) { on_all_ranks(expect_all_gather); }
TEST_P(StreamGroupOfRanks, ReduceScatter) { on_all_ranks(expect_reduce_scatter); }
TEST_P(StreamGroupOfRanks, AllToAll) { on_all_ranks(expect_all_to_all); }
TEST_P(StreamGroupOfRanks, Exchange) { on_all_ranks(expect_exchange); }
TEST_P(StreamGroupOfRanks, ExchangesUnderWayTogether) {
  on_all_ranks(expect_exchanges_under_way_together);
}
TEST_P(StreamGroupOfRanks, Split) { on_all_ranks(expect_split); }
TEST_P(StreamGroupOfRanks, ManyUnderWay) { on_all_ranks(expect_many_under_way); }

INSTANTIATE_TEST_SUITE_P(Ranks, StreamGroupOfRanks, ::testing::Values(2, 3, 5));

TEST(StreamGroup, SplitsOfSplitsDoNotMixTheirMessages) {
  run_local_ranks(4, [](const std::shared_ptr<Group>& world) {
    const auto row = world->split(world->rank() / 2, 0, "row");
    const auto column = world->split(world->rank() % 2, 0, "column");
    const auto again = row->split(0, -row->rank(), "again");
    // The same two ranks share world, row and again; all three are under way at once.
    const Tensor a = Tensor::full({100}, 1), b = Tensor::full({100}, 10),
                 c = Tensor::full({100}, 100), d = Tensor::full({100}, 1000);
    const Work works[] = {again->all_reduce(c), world->all_reduce(a), column->all_reduce(d),
                          row->all_reduce(b)};
    for (const Work& work : works) work.wait();
    EXPECT_EQ(a.data<float>()[0], 4);
    EXPECT_EQ(b.data<float>()[99], 20);
    EXPECT_EQ(c.data<float>()[0], 200);
    EXPECT_EQ(d.data<float>()[99], 2000);
  });
}

TEST(StreamGroup, DifferentSizesOnTwoRanksAreAnErrorOnBoth) {
  run_local_ranks(
      2,
      [](const std::shared_ptr<Group>& group) {
        const auto pair = group->split(0, group->rank(), "pair");
        const Tensor x = Tensor::zeros({group->rank() == 0 ? 10 : 20});
        try {
          pair->all_reduce(x).wait();
          ADD_FAILURE() << "no error";
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kInternal);
        }
      },
      60, AtEnd::kLeave);
}

TEST(StreamGroup, AMessageOfAnotherSizeIsAnErrorOfItsReceiver) {
  run_local_ranks(
      2,
      [](const std::shared_ptr<Group>& group) {
        const Tensor x = Tensor::zeros({group->rank() == 0 ? 10 : 20});
        const Work work =
            group->rank() == 0 ? group->exchange({{1, x}}, {}) : group->exchange({}, {{0, x}});
        try {
          work.wait();
          EXPECT_EQ(group->rank(), 0);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kInternal) << error.what();
        }
        if (group->rank() == 1) {
          EXPECT_THROW(work.wait(), Error);
        }
      },
      60, AtEnd::kLeave);
}

TEST(StreamGroup, ThePeerOfAnExchangeThatNeverComesIsNamed) {
  run_local_ranks(
      3,
      [](const std::shared_ptr<Group>& group) {
        if (group->rank() != 1) return;
        const Tensor x = Tensor::zeros({10});
        try {
          group->exchange({}, {{2, x}}).wait();
          ADD_FAILURE() << "no error";
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kRankLost);
          EXPECT_NE(std::string(error.what())
                        .find("exchange of 40 bytes in group 'world' (rank 1 of 3): nothing from "
                              "rank 2 of the job"),
                    std::string::npos)
              << error.what();
        }
      },
      /*time_limit_seconds=*/0.3, AtEnd::kLeave);
}

}  // namespace
}  // namespace muybridge
