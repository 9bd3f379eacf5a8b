#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

#include "core/buffer.h"
#include "core/error.h"
#include "core/ops/accumulate.h"
#include "parallel/host/local_ranks.h"
#include "parallel/nccl_groups.h"
#include "tests/cuda_double/group_results.h"

// Groups over NCCL, whose ranks are threads and whose library is a double.
namespace muybridge::testing {
namespace {

constexpr int kRanks = 3;

NcclOptions never_lost() {
  return {.lost = [](const std::string& what) { ADD_FAILURE() << what; }};
}

// f(group over NCCL) on each rank.
void run_ranks(int ranks, const std::function<void(Group&)>& f) {
  run_local_ranks(ranks, [&](const std::shared_ptr<Group>& host) {
    const std::unique_ptr<NcclGroups> nccl = make_nccl_groups(never_lost());
    nccl->use();
    const std::shared_ptr<Group> group = nccl->over(host);
    group->prepare(Device::kCuda);
    group->expect_messages(Device::kCuda);
    f(*group);
    group->barrier().wait();
  });
}

Tensor on_device(const std::vector<double>& values, DType dtype = DType::kF64) {
  return Tensor::of<double>({std::ssize(values)}, values).to(dtype).to(Device::kCuda);
}

std::vector<double> values_of(const Tensor& x) { return x.to(DType::kF64).to_vector<double>(); }

TEST(NcclGroup, EveryOperationGivesWhatItGivesOverHostMemory) {
  run_ranks(kRanks, [](Group& group) {
    const auto want = results_on(Device::kCpu, group), got = results_on(Device::kCuda, group);
    EXPECT_EQ(got, want) << "rank " << group.rank();
  });
}

TEST(NcclGroup, ReducesEveryType) {
  run_ranks(kRanks, [](Group& group) {
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64}) {
      const double mine = 1.5 * (group.rank() + 1);
      const Tensor sum = on_device({mine, -mine}, dtype), most = on_device({mine, -mine}, dtype);
      group.all_reduce(sum).wait();
      group.all_reduce(most, Reduce::kMax).wait();
      EXPECT_EQ(values_of(sum), (std::vector<double>{9, -9})) << name_of(dtype);
      EXPECT_EQ(values_of(most), (std::vector<double>{4.5, -1.5})) << name_of(dtype);
    }
    const Tensor counts =
        Tensor::of<std::int64_t>({1}, std::vector<std::int64_t>{group.rank()}).to(Device::kCuda);
    group.all_reduce(counts).wait();
    EXPECT_EQ(counts.to_vector<std::int64_t>()[0], 3);
  });
}

TEST(NcclGroup, AnOperationIsUnderWayUntilItIsWaitedFor) {
  run_ranks(2, [](Group& group) {
    bool was_under_way = false;
    for (int i = 0; i < 20; ++i) {
      const Tensor all = Tensor::empty({2}, DType::kF64, Device::kCuda);
      const Work work = group.all_gather(on_device({1.0 + group.rank()}), all);
      was_under_way |= !work.done();
      work.wait();
      EXPECT_TRUE(work.done());
      EXPECT_EQ(values_of(all), (std::vector<double>{1, 2}));
    }
    EXPECT_TRUE(was_under_way);
  });
}

// Whoever lets go of everything does not take the memory from under the operation.
TEST(NcclGroup, KeepsItsTensorsUntilItIsOver) {
  run_ranks(2, [](Group& group) {
    for (int i = 0; i < 20; ++i) {
      std::vector<Tensor> sums;
      for (int n = 0; n < 8; ++n) {
        const Tensor x = on_device(std::vector<double>(64, n));
        if (n % 2 == 0) sums.push_back(x);
        group.all_reduce(x);
        poison_pool(Device::kCuda);  // what is free is overwritten
      }
      const Tensor last = on_device({1});
      group.all_reduce(last).wait();  // and with it all before
      for (std::size_t n = 0; n < sums.size(); ++n)
        EXPECT_THAT(values_of(sums[n]), ::testing::Each(4.0 * static_cast<double>(n)));
    }
  });
}

TEST(NcclGroup, BeginsBehindWhatCoreHasIssued) {
  run_ranks(2, [](Group& group) {
    const Tensor x = on_device(std::vector<double>(1000, 1));
    for (int i = 0; i < 20; ++i) {
      scale_in_place(x, 0.5);
      group.all_reduce(x).wait();
    }
    EXPECT_THAT(values_of(x), ::testing::Each(1));
  });
}

TEST(NcclGroup, ThePartsOfAGroupUseItToo) {
  run_ranks(4, [](Group& group) {
    const auto pair = group.split(group.rank() % 2, group.rank(), "pair");
    ASSERT_EQ(pair->size(), 2);
    const Tensor x = on_device({1.0 * group.rank()});
    EXPECT_THROW(pair->all_reduce(x), std::logic_error);  // not prepared
    pair->prepare(Device::kCuda);
    pair->all_reduce(x).wait();
    EXPECT_EQ(values_of(x)[0], group.rank() % 2 ? 4 : 2);
    // Not told to expect messages.
    EXPECT_THROW(pair->exchange({{1 - pair->rank(), x}}, {}), std::logic_error);
    EXPECT_EQ(group.split(group.rank(), 0, "alone")->size(), 1);
  });
}

TEST(NcclGroup, GoesThroughHostMemoryUntilItIsUsed) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& host) {
    const std::unique_ptr<NcclGroups> nccl = make_nccl_groups(never_lost());
    const std::shared_ptr<Group> group = nccl->over(host);
    EXPECT_EQ(results_on(Device::kCuda, *group), results_on(Device::kCpu, *group));
  });
}

// What a rank's watch said.
class Said {
 public:
  NcclOptions options(double limit) {
    return {.time_limit_seconds = limit, .lost = [this](const std::string& what) {
              const std::scoped_lock lock(mutex_);
              what_ = what;
              changed_.notify_all();
            }};
  }
  std::string wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return !what_.empty(); });
    return what_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_;
};

TEST(NcclGroup, ARankThatDoesNotComeIsSaidToBeLost) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& host) {
    Said said;
    const std::unique_ptr<NcclGroups> nccl = make_nccl_groups(said.options(1));
    nccl->use();
    std::shared_ptr<Group> group = nccl->over(host);
    const Tensor x = on_device({1});
    group->prepare(Device::kCuda);
    group->all_reduce(x).wait();
    if (group->rank() == 0) {
      group->all_reduce(x);  // rank 1 does not
      EXPECT_EQ(said.wait(),
                "NCCL: all_reduce of 8 bytes in group 'world' of 2 ranks: nothing has moved for 1 "
                "s; a rank is gone, or asks for something else");
    }
    host->barrier().wait();
    // As on the way out of the error: what is under way will never be over.
    EXPECT_THROW(
        {
          const auto gone = std::move(group);
          throw std::runtime_error("lost");
        },
        std::runtime_error);
  });
}

TEST(NcclGroup, MayBeDroppedWhileSomethingIsUnderWay) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& host) {
    const std::unique_ptr<NcclGroups> nccl = make_nccl_groups(never_lost());
    nccl->use();
    for (int i = 0; i < 10; ++i) {
      const std::shared_ptr<Group> group = nccl->over(host);
      group->prepare(Device::kCuda);
      for (int n = 0; n < 4; ++n) group->all_reduce(on_device({1}));
    }
  });
}

TEST(NcclGroup, AnExchangeThatCannotBeAskedForLeavesNoCallsOpen) {
  run_ranks(2, [](Group& group) {
    const int peer = 1 - group.rank();
    const Tensor x = on_device({1}), of_peer = on_device({0});
    // Of the host, which NCCL does not take; what was asked for before it goes all the same.
    EXPECT_THROW(group.exchange({{peer, x}, {peer, Tensor::zeros({1}, DType::kF64)}}, {}), Error);
    group.exchange({}, {{peer, of_peer}}).wait();
    EXPECT_EQ(values_of(of_peer)[0], 1);
    group.all_reduce(x).wait();
    EXPECT_EQ(values_of(x)[0], 2);
  });
}

TEST(NcclGroup, WhatACommunicatorReportsIsSaid) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& host) {
    Said said;
    const std::unique_ptr<NcclGroups> nccl = make_nccl_groups(said.options(60));
    nccl->use();
    std::shared_ptr<Group> group = nccl->over(host);
    const Tensor x = on_device(std::vector<double>(static_cast<std::size_t>(group->rank()) + 1));
    group->prepare(Device::kCuda);
    group->all_reduce(x);  // of another size on each
    EXPECT_THAT(said.wait(), ::testing::EndsWith("invalid usage"));
    host->barrier().wait();
    EXPECT_THROW(
        {
          const auto gone = std::move(group);
          throw std::runtime_error("lost");
        },
        std::runtime_error);
  });
}

}  // namespace
}  // namespace muybridge::testing
