// Tests named Mpi* are for several ranks: CMakeLists.txt runs this binary under mpirun. Run alone
// they hold for a group of one.
#include "parallel/host/transport_mpi.h"

#include <gtest/gtest.h>

#include <chrono>

#include "parallel/grad_reducer.h"
#include "parallel/mesh.h"
#include "parallel/values.h"
#include "parallel/world.h"
#include "tests/parallel/collective_claims.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<World> the_world;

// MPI may be initialised once per process: all tests share one World.
World& world() {
  if (!the_world) the_world = std::make_unique<World>(WorldOptions{.time_limit_seconds = 60});
  return *the_world;
}

class WorldEnd final : public ::testing::Environment {
 public:
  void TearDown() override { the_world.reset(); }
};
[[maybe_unused]] const auto* const kWorldEnd = ::testing::AddGlobalTestEnvironment(new WorldEnd);

TEST(MpiGroup, AllReduce) { expect_all_reduce(*world().group()); }
TEST(MpiGroup, Broadcast) { expect_broadcast(*world().group()); }
TEST(MpiGroup, AllGather) { expect_all_gather(*world().group()); }
TEST(MpiGroup, ReduceScatter) { expect_reduce_scatter(*world().group()); }
TEST(MpiGroup, AllToAll) { expect_all_to_all(*world().group()); }
TEST(MpiGroup, Exchange) { expect_exchange(*world().group()); }
TEST(MpiGroup, ExchangesUnderWayTogether) { expect_exchanges_under_way_together(*world().group()); }
TEST(MpiGroup, Split) { expect_split(*world().group()); }
TEST(MpiGroup, ManyUnderWay) { expect_many_under_way(*world().group()); }

// The last rank begins when every other one has begun and then heard from it and answered.
TEST(MpiGroup, BarrierEndsForNobodyBeforeAllHaveBegun) {
  Group& group = *world().group();
  const int last = group.size() - 1;
  const Tensor token = Tensor::zeros({1});
  const auto send = [&](int to) { group.exchange({{to, token}}, {}).wait(); };
  const auto receive = [&](int from) { group.exchange({}, {{from, token}}).wait(); };
  if (group.rank() < last) {
    const Work barrier = group.barrier();
    send(last);
    receive(last);
    EXPECT_FALSE(barrier.done());
    send(last);
    barrier.wait();
  } else {
    for (int q = 0; q < last; ++q) receive(q);
    for (int q = 0; q < last; ++q) send(q);
    for (int q = 0; q < last; ++q) receive(q);
    group.barrier().wait();
  }
}

// The rank computes for the whole time; the collective must end meanwhile.
TEST(MpiGroup, TensorsTravelWhileTheRankComputes) {
  Group& group = *world().group();
  const Tensor x = Tensor::full({1 << 20}, 1);
  group.barrier().wait();
  const Work work = group.all_reduce(x);
  const auto limit = Clock::now() + std::chrono::seconds(30);
  volatile double sum = 0;
  while (!work.done() && Clock::now() < limit)
    for (int i = 0; i < 10'000; ++i) sum = sum + 1e-9 * i;
  EXPECT_TRUE(work.done());
  EXPECT_EQ(x.data<float>()[12345], static_cast<float>(group.size()));
}

TEST(MpiMesh, GroupsFollowTheAxes) {
  const int size = world().size();
  const int tensor = size % 2 == 0 ? 2 : 1;
  const Mesh mesh({.data = 0, .tensor = tensor}, world().group());
  EXPECT_EQ(mesh.data()->size(), size / tensor);
  double sum = 0;
  for (const int rank : ranks_along({Axis::kTensor}, world().rank(), mesh.sizes())) sum += rank;
  EXPECT_EQ(all_reduce_value(*mesh.tensor(), world().rank(), Reduce::kSum), sum);
}

TEST(MpiGradReducer, SumsOverRanks) {
  Parameters parameters;
  for (int i = 0; i < 20; ++i)
    parameters.add({.name = fmt::format("p{}", i), .shape = {1000 * i + 3}});
  parameters.allocate(DType::kF32, 1);
  GradReducer reducer(parameters, {world().group()}, {.bucket_bytes = 64 << 10});
  for (int round = 0; round < 3; ++round) {
    for (float& value : parameters.gradients().span<float>())
      value = static_cast<float>(world().rank() + round);
    for (int i = 20; i-- > 0;) reducer.on_ready(i);
    reducer.finish();
    const int size = world().size();
    const int expected = size * (size - 1) / 2 + size * round;
    for (const float value : parameters.gradients().span<float>())
      ASSERT_EQ(value, static_cast<float>(expected));
  }
}

TEST(MpiWorld, EveryRankKnowsItsPlace) {
  const std::vector<std::string> places = all_gather_text(
      *world().group(), fmt::format("{} {}", world().local_rank(), world().local_size()));
  for (int q = 0; q < world().size(); ++q)
    EXPECT_EQ(places[static_cast<std::size_t>(q)], fmt::format("{} {}", q, world().size()));
}

}  // namespace
}  // namespace muybridge
