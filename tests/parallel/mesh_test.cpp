#include "parallel/mesh.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "parallel/host/local_ranks.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

constexpr MeshSizes kLarge{.data = 3, .tensor = 4, .context = 2, .pipeline = 5};

TEST(Mesh, RanksAndCoordinatesAreInverse) {
  std::set<int> seen;
  for (int rank = 0; rank < kLarge.ranks(); ++rank) {
    const Coordinate coordinate = coordinate_of(rank, kLarge);
    EXPECT_EQ(rank_of(coordinate, kLarge), rank);
    for (const Axis axis : kAxes) EXPECT_LT(coordinate.along(axis), kLarge.along(axis));
  }
}

TEST(Mesh, TensorRanksAreNeighboursAndStagesAreFarthest) {
  EXPECT_EQ(ranks_along({Axis::kTensor}, 5, kLarge), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(ranks_along({Axis::kContext}, 5, kLarge), (std::vector<int>{1, 5}));
  EXPECT_EQ(ranks_along({Axis::kData}, 5, kLarge), (std::vector<int>{5, 13, 21}));
  EXPECT_EQ(ranks_along({Axis::kPipeline}, 5, kLarge), (std::vector<int>{5, 29, 53, 77, 101}));
}

TEST(Mesh, TheOrderSaysWhoIsNear) {
  MeshSizes sizes = kLarge;
  sizes.order = axis_order_from("data-pipeline-context-tensor").value();
  EXPECT_EQ(to_string(sizes.order), "data-pipeline-context-tensor");
  EXPECT_EQ(ranks_along({Axis::kData}, 5, sizes), (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(ranks_along({Axis::kTensor}, 5, sizes), (std::vector<int>{5, 35, 65, 95}));
  for (int rank = 0; rank < sizes.ranks(); ++rank)
    EXPECT_EQ(rank_of(coordinate_of(rank, sizes), sizes), rank);
  for (const char* wrong : {"", "tensor", "tensor-context-data-data",
                            "Tensor-context-data-pipeline", "tensor-context-data-pipeline-"})
    EXPECT_FALSE(axis_order_from(wrong)) << wrong;
}

// The ranks of a group stand as their tokens do, wherever they are in the job.
TEST(Mesh, GroupsKeepTheirInnerOrderInAnyOrderOfRanks) {
  AxisOrder order = kAxes;
  do {
    run_local_ranks(8, [&](const std::shared_ptr<Group>& world) {
      const Mesh mesh({.data = 1, .tensor = 2, .context = 2, .pipeline = 2, .order = order}, world);
      const Coordinate& at = mesh.coordinate();
      EXPECT_EQ(mesh.tokens()->rank(), at.context * 2 + at.tensor) << to_string(order);
      EXPECT_EQ(mesh.replica()->rank(), at.pipeline * 4 + at.context * 2 + at.tensor);
      EXPECT_EQ(mesh.tensor()->rank(), at.tensor);
      EXPECT_EQ(mesh.pipeline()->rank(), at.pipeline);
      EXPECT_EQ(mesh.copies()[kOverTensor]->rank(), at.context * 2 + at.tensor);
    });
  } while (std::ranges::next_permutation(order).found);
}

TEST(Mesh, RanksAlongTwoAxesAreTheirProduct) {
  EXPECT_EQ(ranks_along({Axis::kData, Axis::kContext}, 5, kLarge),
            (std::vector<int>{1, 5, 9, 13, 17, 21}));
  EXPECT_EQ(
      ranks_along({Axis::kTensor, Axis::kContext, Axis::kData, Axis::kPipeline}, 0, kLarge).size(),
      120U);
}

TEST(Mesh, DataTakesTheRanksThatAreLeft) {
  const MeshSizes sizes{.data = 0, .tensor = 2, .context = 1, .pipeline = 2};
  EXPECT_EQ(resolve(sizes, 12).data, 3);
  EXPECT_EQ(resolve({.data = 0}, 1).data, 1);
}

TEST(Mesh, SizesThatDoNotFitTheJobAreTheUsersMistake) {
  const MeshSizes wrong[] = {{.data = 2},
                             {.data = 0, .tensor = 3},
                             {.data = 0, .tensor = 8},
                             {.data = 1, .tensor = 0},
                             {.data = -1}};
  for (const MeshSizes& sizes : wrong) {
    try {
      resolve(sizes, 4);
      ADD_FAILURE() << to_string(sizes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find(to_string({.data = sizes.data}).substr(0, 4)),
                std::string::npos);
    }
  }
}

TEST(Mesh, GroupsHoldTheRanksAlongTheirAxis) {
  const MeshSizes sizes{.data = 0, .tensor = 2, .context = 1, .pipeline = 2};
  run_local_ranks(8, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(sizes, world);
    EXPECT_EQ(mesh.sizes().data, 2);
    EXPECT_EQ(mesh.tensor()->size(), 2);
    EXPECT_EQ(mesh.context()->size(), 1);
    EXPECT_EQ(mesh.pipeline()->size(), 2);
    EXPECT_EQ(mesh.copies()[kReplicas]->size(), 2);
    EXPECT_EQ(mesh.tensor()->rank(), mesh.coordinate().tensor);
    EXPECT_EQ(mesh.data()->rank(), mesh.coordinate().data);
    EXPECT_EQ(mesh.pipeline()->rank(), mesh.coordinate().pipeline);
    double sum = 0;
    for (const int rank : ranks_along({Axis::kData}, world->rank(), mesh.sizes())) sum += rank;
    EXPECT_EQ(all_reduce_value(*mesh.data(), world->rank(), Reduce::kSum), sum);
  });
}

TEST(Mesh, ContextRanksShareHeadsWithTheirNeighboursAndFormARingWithTheirLikes) {
  struct Case {
    int ring;
    std::vector<std::vector<int>> heads, rings;  // of the context ranks 0 to 5
  };
  const Case cases[] = {{1, {{0, 1, 2, 3, 4, 5}}, {{0}, {1}, {2}, {3}, {4}, {5}}},
                        {2, {{0, 1, 2}, {3, 4, 5}}, {{0, 3}, {1, 4}, {2, 5}}},
                        {3, {{0, 1}, {2, 3}, {4, 5}}, {{0, 2, 4}, {1, 3, 5}}},
                        {6, {{0}, {1}, {2}, {3}, {4}, {5}}, {{0, 1, 2, 3, 4, 5}}}};
  for (const Case& each : cases)
    run_local_ranks(6, [&](const std::shared_ptr<Group>& world) {
      const Mesh mesh({.data = 1, .context = 6, .ring = each.ring}, world);
      const auto ranks_of = [&](Group& group) {
        const Tensor mine = Tensor::full({1}, world->rank(), DType::kF64);
        const Tensor all = Tensor::empty({group.size()}, DType::kF64);
        group.all_gather(mine, all).wait();
        const std::vector<double> ranks = all.to_vector<double>();
        return std::vector<int>(ranks.begin(), ranks.end());
      };
      const auto holds = [&](const std::vector<std::vector<int>>& groups, Group& group) {
        return std::ranges::find(groups, ranks_of(group)) != groups.end();
      };
      EXPECT_TRUE(holds(each.heads, *mesh.heads())) << each.ring;
      EXPECT_TRUE(holds(each.rings, *mesh.ring())) << each.ring;
    });
}

TEST(Mesh, SizesThatNoJobHasAreRefusedWithTheNumberNeededAndWhatWouldDo) {
  const auto refusal = [](const MeshSizes& sizes, int ranks) {
    try {
      resolve(sizes, ranks);
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return std::string(error.what());
    }
  };
  EXPECT_EQ(refusal({.data = 2, .tensor = 2}, 8),
            "parallel: data 2 x tensor 2 x context 1 x pipeline 1 needs 4 ranks, the job has 8; "
            "start that many, or set parallel.data to 4, or to 0 for what is left");
  EXPECT_EQ(refusal({.data = 0, .tensor = 2, .context = 1, .pipeline = 2}, 6),
            "parallel: data 1 x tensor 2 x context 1 x pipeline 2 needs 4 ranks, the job has 6; "
            "start that many, or any multiple of 4 with parallel.data=0, or set parallel.pipeline "
            "to 1");
  EXPECT_EQ(refusal({.data = 0, .pipeline = 8}, 6),
            "parallel: data 1 x tensor 1 x context 1 x pipeline 8 needs 8 ranks, the job has 6; "
            "start that many, or any multiple of 8 with parallel.data=0, or set parallel.pipeline "
            "to 6");
  EXPECT_EQ(refusal({.data = 1, .context = 6, .ring = 4}, 6),
            "parallel.context = 6 ranks cannot be rings of parallel.ring = 4; 2 could");
  // Products that 32 and 64 bits cannot hold.
  constexpr int kHuge = 65536, kMost = 2147483647;
  EXPECT_NE(refusal({.data = 0, .tensor = kHuge, .context = kHuge}, 1), "");
  EXPECT_NE(refusal({.data = 1, .tensor = kMost, .context = kMost, .pipeline = kMost}, 1), "");
}

TEST(Mesh, OfOneRankIsMadeOfGroupsOfOne) {
  const Mesh mesh({}, solo_group());
  for (const auto& group : {mesh.data(), mesh.tensor(), mesh.context(), mesh.pipeline(),
                            mesh.copies()[kReplicas], mesh.world()})
    EXPECT_EQ(group->size(), 1);
}

}  // namespace
}  // namespace muybridge
