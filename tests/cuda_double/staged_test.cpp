#include "parallel/host/staged.h"

#include <gtest/gtest.h>

#include "parallel/host/local_ranks.h"
#include "tests/cuda_double/group_results.h"

// Tensors of a device in every operation of a group, whose ranks are threads.
namespace muybridge::testing {
namespace {

constexpr int kRanks = 3;
constexpr Device kDevices[] = {Device::kCpu, Device::kCuda};

TEST(Staged, EveryOperationGivesWhatItGivesOnTheCpu) {
  run_local_ranks(kRanks, [](const std::shared_ptr<Group>& group) {
    const auto want = results_on(kDevices[0], *group), got = results_on(kDevices[1], *group);
    EXPECT_EQ(got, want) << "rank " << group->rank();
    EXPECT_EQ(want[0][1], 303);
  });
}

// Between the call and wait() the operation has a copy: the device goes on.
TEST(Staged, TheResultIsThereWhenTheOperationWasWaitedFor) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    const Tensor x = numbers(2, group->rank(), Device::kCuda);
    const Work work = group->all_reduce(x);
    EXPECT_EQ(x.to_vector<double>()[1], 100.0 * group->rank() + 1);
    work.wait();
    EXPECT_EQ(x.to_vector<double>()[1], 102);
  });
}

}  // namespace
}  // namespace muybridge::testing
