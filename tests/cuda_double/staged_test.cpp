#include "parallel/host/staged.h"

#include <gtest/gtest.h>

#include "parallel/host/local_ranks.h"

// Tensors of a device in every operation of a group, whose ranks are threads.
namespace muybridge {
namespace {

constexpr int kRanks = 3;
constexpr Device kDevices[] = {Device::kCpu, Device::kCuda};

Tensor numbers(std::int64_t count, int rank, Device device) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(100.0 * rank + static_cast<double>(i));
  return Tensor::of<double>({count}, values).to(device);
}

// What each operation leaves in its result.
std::vector<std::vector<double>> results_on(Device device, Group& group) {
  const int rank = group.rank();
  const auto empty = [&](std::int64_t count) {
    return Tensor::empty({count}, DType::kF64, device);
  };
  std::vector<Tensor> results;
  results.push_back(numbers(4, rank, device));
  group.all_reduce(results.back()).wait();
  results.push_back(numbers(4, rank, device));
  group.broadcast(results.back(), 1).wait();
  results.push_back(empty(2 * kRanks));
  group.all_gather(numbers(2, rank, device), results.back()).wait();
  // In place, as gradients are gathered.
  const Tensor whole = numbers(2 * kRanks, rank, device);
  group.all_gather(whole.rows(2 * rank, 2), whole).wait();
  results.push_back(whole);
  results.push_back(empty(2));
  group.reduce_scatter(numbers(2 * kRanks, rank, device), results.back()).wait();
  results.push_back(empty(2 * kRanks));
  group.all_to_all(numbers(2 * kRanks, rank, device), results.back()).wait();
  results.push_back(empty(3));
  const Messages messages = group.exchange({{(rank + 1) % kRanks, numbers(3, rank, device)}},
                                           {{(rank + kRanks - 1) % kRanks, results.back()}});
  messages.wait();
  messages.received.wait();  // may be called again
  std::vector<std::vector<double>> values;
  for (const Tensor& each : results) values.push_back(each.to_vector<double>());
  return values;
}

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
}  // namespace muybridge
