#include "parallel/zero/sharing.h"

#include <gtest/gtest.h>

#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

// Of each parameter the ranks that hold copies keep one another's rest, and all see the values.
TEST(Sharing, ValuesOfAllArriveOnEachRankThatHoldsCopies) {
  run_local_ranks(4, [](const std::shared_ptr<Group>& world) {
    const Mesh mesh({.data = 2, .tensor = 2}, world);
    Parameters parameters;
    const Var copied = parameters.add({.name = "copied", .shape = {100}, .init = Normal{1}});
    const Var split = parameters.add({.name = "split", .shape = {40, 3}, .init = Normal{1}});
    const int tensor = mesh.tensor()->rank();
    parameters.place(copied, {}, kOverTensor);
    parameters.place(split, {.axis = 0, .part = tensor, .parts = 2}, kReplicas);
    parameters.allocate(DType::kF32, 3, Device::kCpu, sharing_plan(mesh, Sharing::kState));
    ASSERT_EQ(parameters.ranges().size(), 2U);
    for (const ParameterRange& range : parameters.ranges())
      EXPECT_EQ(range.kept.size() * (range.copies == kOverTensor ? 4 : 2), range.count);
    Parameters whole;
    const Var all_of_copied = whole.add({.name = "copied", .shape = {100}, .init = Normal{1}});
    const Var all_of_split = whole.add({.name = "split", .shape = {40, 3}, .init = Normal{1}});
    whole.allocate(DType::kF32, 3);
    EXPECT_NE(copied.value().to_vector<float>(), all_of_copied.value().to_vector<float>());
    spread_values(parameters, mesh);
    EXPECT_EQ(copied.value().to_vector<float>(), all_of_copied.value().to_vector<float>());
    EXPECT_EQ(split.value().to_vector<float>(),
              all_of_split.value().rows(20 * tensor, 20).to_vector<float>());
  });
}

}  // namespace
}  // namespace muybridge
