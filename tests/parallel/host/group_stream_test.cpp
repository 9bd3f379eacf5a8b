#include "parallel/host/group_stream.h"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "parallel/host/local_ranks.h"
#include "tests/parallel/collective_claims.h"

namespace muybridge {
namespace {

struct Job {
  int ranks;
  int ranks_per_machine;  // 1: messages alone; 0: one machine, memory that all share

  friend std::ostream& operator<<(std::ostream& out, const Job& job) {
    return out << job.ranks << " ranks, " << job.ranks_per_machine << " a machine";
  }
};

class StreamGroupOfRanks : public ::testing::TestWithParam<Job> {
 protected:
  static void on_all_ranks(const std::function<void(Group&)>& claim) {
    run_local_ranks(
        GetParam().ranks, [&](const std::shared_ptr<Group>& group) { claim(*group); }, 60,
        AtEnd::kBarrier, GetParam().ranks_per_machine);
  }
};

TEST_P(StreamGroupOfRanks, AllReduce) {
  on_all_ranks([](Group& group) { expect_all_reduce(group, GetParam().ranks_per_machine); });
}
TEST_P(StreamGroupOfRanks, Broadcast) { on_all_ranks(expect_broadcast); }
TEST_P(StreamGroupOfRanks, AllGather) { on_all_ranks(expect_all_gather); }
TEST_P(StreamGroupOfRanks, ReduceScatter) { on_all_ranks(expect_reduce_scatter); }
TEST_P(StreamGroupOfRanks, AllToAll) { on_all_ranks(expect_all_to_all); }
TEST_P(StreamGroupOfRanks, Exchange) { on_all_ranks(expect_exchange); }
TEST_P(StreamGroupOfRanks, ExchangesUnderWayTogether) {
  on_all_ranks(expect_exchanges_under_way_together);
}
TEST_P(StreamGroupOfRanks, Split) { on_all_ranks(expect_split); }
TEST_P(StreamGroupOfRanks, ManyUnderWay) {
  on_all_ranks([](Group& group) { expect_many_under_way(group, GetParam().ranks_per_machine); });
}

INSTANTIATE_TEST_SUITE_P(Ranks, StreamGroupOfRanks,
                         ::testing::Values(Job{2, 0}, Job{3, 0}, Job{5, 0}, Job{2, 1}, Job{3, 1},
                                           Job{5, 1}, Job{4, 2}, Job{6, 3}, Job{5, 2}));

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

void expect_wrong_call_is_found(int ranks_per_machine, const std::function<Work(Group&)>& call) {
  run_local_ranks(
      2,
      [&](const std::shared_ptr<Group>& group) {
        const auto pair = group->split(0, group->rank(), "pair");
        try {
          call(*pair).wait();
          ADD_FAILURE() << "no error";
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kInternal) << error.what();
        }
      },
      60, AtEnd::kLeave, ranks_per_machine);
}

TEST(StreamGroup, DifferentSizesOnTwoRanksAreAnErrorOnBoth) {
  for (const int ranks_per_machine : {1, 2})
    expect_wrong_call_is_found(ranks_per_machine, [](Group& group) {
      return group.all_reduce(Tensor::zeros({group.rank() == 0 ? 10 : 20}));
    });
}

TEST(StreamGroup, DifferentOperationsOnOneMachineAreAnErrorEvenOfOneSize) {
  expect_wrong_call_is_found(2, [](Group& group) {
    const Tensor x = Tensor::zeros({10});
    return group.rank() == 0 ? group.all_reduce(x) : group.broadcast(x, 0);
  });
  expect_wrong_call_is_found(2, [](Group& group) {
    return group.all_reduce(Tensor::zeros({10}), group.rank() == 0 ? Reduce::kSum : Reduce::kMax);
  });
}

TEST(StreamGroup, ARankOfTheMachineThatNeverComesIsNamed) {
  run_local_ranks(
      3,
      [](const std::shared_ptr<Group>& group) {
        if (group->rank() == 2) return;
        try {
          group->barrier().wait();
          ADD_FAILURE() << "no error";
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kRankLost);
          EXPECT_NE(std::string(error.what()).find("nothing from rank 2 of the job"),
                    std::string::npos)
              << error.what();
        }
      },
      /*time_limit_seconds=*/0.3, AtEnd::kLeave);
}

// More groups than there is memory for on a machine: the last ones send messages.
TEST(StreamGroup, WorksWithoutSharedMemoryToo) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& world) {
    for (int i = 0; i < 8; ++i) {
      const auto group = world->split(0, world->rank(), "more");
      const Tensor x = Tensor::full({50'000}, i + world->rank());
      group->all_reduce(x).wait();
      EXPECT_EQ(x.data<float>()[49'999], static_cast<float>(2 * i + 1));
    }
  });
}

TEST(StreamGroup, WhatIsReceivedDoesNotWaitForWhatIsSentBesideIt) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    const int other = 1 - group->rank();
    const Tensor out = Tensor::full({50'000}, 7), in = Tensor::zeros({50'000});
    if (group->rank() == 0) {
      const Messages messages = group->exchange({{other, out}}, {{other, in}});
      messages.received.wait();
      EXPECT_EQ(in.data<float>()[49'999], 7);
      EXPECT_FALSE(messages.sent.done());
      group->barrier().wait();
      messages.sent.wait();
    } else {
      group->exchange({{other, out}}, {}).wait();
      group->barrier().wait();
      group->exchange({}, {{other, in}}).wait();
      EXPECT_EQ(in.data<float>()[49'999], 7);
    }
  });
}

TEST(StreamGroup, AMessageOfAnotherSizeIsAnErrorOfItsReceiver) {
  run_local_ranks(
      2,
      [](const std::shared_ptr<Group>& group) {
        const Tensor x = Tensor::zeros({group->rank() == 0 ? 10 : 20});
        const Messages work =
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
                        .find("receive of 40 bytes in group 'world' (rank 1 of 3): nothing from "
                              "rank 2 of the job"),
                    std::string::npos)
              << error.what();
        }
      },
      /*time_limit_seconds=*/0.3, AtEnd::kLeave);
}

}  // namespace
}  // namespace muybridge
