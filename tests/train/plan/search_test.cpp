#include "train/plan/search.h"

#include <gtest/gtest.h>

#include "model/dit_parallel.h"
#include "tests/train/plan/plan_cases.h"

namespace muybridge {
namespace {

using testing::cluster;
using testing::plan_config;

SearchResult search(const Cluster& on, const std::vector<std::string>& overrides = {},
                    const SearchOptions& options = {}) {
  StepModel model(on, workload_of(plan_config(overrides), 128));
  return search_layouts(model, options);
}

TEST(Search, FindsOnlyWhatCanBeAndFits) {
  for (const auto& overrides : std::vector<std::vector<std::string>>{
           {}, {"model.heads=12", "model.width=1536"}, {"batch.tokens=65536", "model.depth=24"}})
    for (const int nodes : {1, 3, 16}) {
      const SearchResult found = search(cluster(nodes), overrides);
      const Workload work = workload_of(plan_config(overrides), 128);
      ASSERT_FALSE(found.best.empty());
      for (const Estimate& e : found.best) {
        EXPECT_NO_THROW(
            require_layout(work.model, e.layout.sizes, e.layout.placement, work.batch.tokens));
        EXPECT_EQ(e.layout.sizes.ranks(), nodes * 8);
        EXPECT_TRUE(e.fits);
        EXPECT_LE(e.memory.total() - e.memory.snapshot, 0.94 * 141e9);
        EXPECT_LE(e.mfu, 1);
      }
    }
}

TEST(Search, IsSortedAndNoWorseThanAnyLayoutAlone) {
  const Cluster on = cluster(2);
  const SearchResult found = search(on);
  for (std::size_t i = 1; i < found.best.size(); ++i)
    EXPECT_GE(found.best[i].seconds(), found.best[i - 1].seconds());
  for (const char* layout : {"parallel.tensor=2", "parallel.tensor=8", "parallel.context=4",
                             "parallel.pipeline=8", "parallel.data=0"})
    EXPECT_LE(found.best[0].seconds(), testing::estimate_of(on, {layout}).seconds()) << layout;
}

TEST(Search, FindsNothingWhereNothingFits) {
  Cluster small = cluster(1);
  small.chip.memory = 2e9;
  const SearchResult found = search(small);
  EXPECT_TRUE(found.best.empty());
  EXPECT_EQ(found.fitting, 0);
  EXPECT_GT(found.considered, 10);
}

// Less memory, and what needs much of it is not there any more.
TEST(Search, GivesWayToMemory) {
  const SearchResult rich = search(cluster(1), {"batch.tokens=65536"});
  Cluster poor = cluster(1);
  poor.chip.memory = 24e9;
  const SearchResult found = search(poor, {"batch.tokens=65536"});
  ASSERT_FALSE(found.best.empty());
  EXPECT_GT(found.best[0].seconds(), rich.best[0].seconds());
  EXPECT_NE(found.best[0].layout, rich.best[0].layout);
}

// However many ranks: what is simulated is bounded.
TEST(Search, OfTensOfThousandsOfRanksSimulatesFew) {
  StepModel model(cluster(2048), workload_of(plan_config({"batch.micro_batches=16384"}), 128));
  const SearchResult found = search_layouts(model, {.best = 5, .simulations = 12});
  EXPECT_LE(model.simulated(), 12);
  EXPECT_GT(model.simulated(), 0);
  EXPECT_GT(found.considered, 500);
  EXPECT_EQ(found.best[0].layout.sizes.ranks(), 16384);
}

}  // namespace
}  // namespace muybridge
