#include "train/plan/traffic.h"

#include <gtest/gtest.h>

#include "tests/train/plan/plan_cases.h"

namespace muybridge {
namespace {

using testing::cluster;

// A chip whose links have no latency and are used whole.
Cluster plain(int nodes) {
  Cluster c = cluster(nodes);
  c.chip.link = 100, c.chip.network = 10;
  c.chip.link_latency = c.chip.network_latency = 0;
  c.chip.link_share = 1;
  return c;
}

TEST(Traffic, NeighboursShareANode) {
  const GroupPlaces places({.data = 4, .tensor = 4, .context = 2, .pipeline = 2}, cluster(8));
  EXPECT_EQ(places.tensor.inside, 4);
  EXPECT_EQ(places.context.inside, 2);
  EXPECT_EQ(places.pipeline.inside, 1);
  EXPECT_EQ(places.pipeline.nodes(), 2);
  EXPECT_EQ(places.replicas.size, 8);
  EXPECT_EQ(places.replicas.inside, 2);
  EXPECT_EQ(places.replicas.nodes(), 4);
}

TEST(Traffic, TheOrderSaysWhatStaysInANode) {
  MeshSizes sizes{.data = 4, .tensor = 4, .context = 2, .pipeline = 2};
  sizes.order = axis_order_from("pipeline-data-context-tensor").value();
  const GroupPlaces places(sizes, cluster(8));
  EXPECT_EQ(places.pipeline.inside, 2);
  EXPECT_EQ(places.tensor.inside, 1);
  EXPECT_EQ(places.context.inside, 1);
  EXPECT_EQ(places.replicas.inside, 4) << "data, and the same on each of two nodes";
  EXPECT_EQ(places.replicas.nodes(), 2);
  EXPECT_EQ(places.replicas_and_pipeline.inside, 8);
  EXPECT_EQ(places.model.size, 16);
  EXPECT_EQ(places.model.inside, 2);
  // Axes of one rank are in nobody's way.
  const GroupPlaces flat({.data = 16, .order = sizes.order}, cluster(2));
  EXPECT_EQ(flat.replicas.inside, 8);
  EXPECT_EQ(flat.replicas_and_tensor.inside, 8);
}

TEST(Traffic, AGroupThatNodesDoNotHoldWholeIsOnTheNetwork) {
  EXPECT_EQ(place_of_group(16, 1, 8).inside, 8);
  EXPECT_EQ(place_of_group(3, 1, 8).inside, 1);
  EXPECT_EQ(place_of_group(12, 1, 8).inside, 1);
  EXPECT_EQ(place_of_group(2, 3, 8).inside, 1);
  EXPECT_EQ(place_of_group(4, 8, 8).inside, 1);
  EXPECT_EQ(place_of_group(1, 1, 8).inside, 1);
}

// 8 ranks, 4 a node: 3/4 of the whole inside the node, a quarter of 1/2 of it across.
TEST(Traffic, OfAnAllGatherIsCountedByLinkAndNetwork) {
  const Links links(plain(2));
  const Traffic t = links.all_gather({.size = 8, .inside = 4}, 800);
  EXPECT_DOUBLE_EQ(t.link, 600);
  EXPECT_DOUBLE_EQ(t.network, 100);
  EXPECT_DOUBLE_EQ(t.seconds, 600.0 / 100 + 100.0 / 10);
  EXPECT_DOUBLE_EQ(links.all_reduce({.size = 8, .inside = 4}, 800).seconds, 2 * t.seconds);
}

TEST(Traffic, OfAnAllToAllTravelsBothWaysAtOnce) {
  const Links links(plain(2));
  const Traffic t = links.all_to_all({.size = 8, .inside = 4}, 800);
  EXPECT_DOUBLE_EQ(t.link, 300);
  EXPECT_DOUBLE_EQ(t.network, 400);
  EXPECT_DOUBLE_EQ(t.seconds, 40);
}

TEST(Traffic, OneRankSendsNothing) {
  const Links links(cluster(1));
  for (const Traffic& t : {links.all_gather({}, 1e9), links.all_to_all({}, 1e9),
                           links.message({}, 1e9), links.all_reduce({}, 1e9)}) {
    EXPECT_EQ(t.seconds, 0);
    EXPECT_EQ(t.link + t.network, 0);
  }
}

TEST(Traffic, OverNodesItTakesLongerThanWithin) {
  const Links links(cluster(2));
  const GroupPlace within{.size = 8, .inside = 8}, over{.size = 8, .inside = 4};
  EXPECT_GT(links.all_gather(over, 1e9).seconds, links.all_gather(within, 1e9).seconds);
  EXPECT_GT(links.all_to_all(over, 1e9).seconds, links.all_to_all(within, 1e9).seconds);
  EXPECT_GT(links.message(over, 1e9).seconds, links.message(within, 1e9).seconds);
}

}  // namespace
}  // namespace muybridge
