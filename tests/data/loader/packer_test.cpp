#include "data/loader/packer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/random.h"

namespace muybridge {
namespace {

// Images, short and long videos at two sizes: 64 to 4096 tokens.
std::vector<std::int64_t> mixed_sizes(int clips) {
  const std::vector<std::int64_t> kinds = {64, 64, 256, 320, 640, 1024, 1280, 2048, 3072, 4096};
  const RandomStream random(3, Purpose::kTest);
  std::vector<std::int64_t> sizes;
  sizes.reserve(static_cast<std::size_t>(clips));
  for (int i = 0; i < clips; ++i)
    sizes.push_back(kinds[static_cast<std::size_t>(
        random.integer(static_cast<std::uint64_t>(i), 0, static_cast<int>(kinds.size()) - 1))]);
  return sizes;
}

PackerOptions options_of(std::int64_t budget, int micro_batches) {
  PackerOptions options;
  options.token_budget = budget;
  options.micro_batches = micro_batches;
  options.seed = 17;
  return options;
}

TEST(Packer, DrawsEverySampleOnceAndEveryClipOnceAnEpoch) {
  const std::vector<std::int64_t> sizes = mixed_sizes(101);
  Packer packer(sizes, options_of(4096, 3));
  std::map<std::int64_t, std::int64_t> item_of_sample;
  for (int step = 0; step < 300; ++step)
    for (const MicroBatch& batch : packer.next_step())
      for (const Draw& draw : batch.draws)
        EXPECT_TRUE(item_of_sample.emplace(draw.sample, draw.item).second) << draw.sample;

  const std::vector<std::int64_t>& pending = packer.position().pending;
  EXPECT_EQ(static_cast<std::int64_t>(item_of_sample.size() + pending.size()),
            packer.position().next_sample);
  for (const std::int64_t sample : pending) EXPECT_FALSE(item_of_sample.contains(sample));

  const std::int64_t whole_epochs = pending.front() / 101;
  ASSERT_GT(whole_epochs, 5);
  for (std::int64_t epoch = 0; epoch < whole_epochs; ++epoch) {
    std::vector<int> seen(sizes.size());
    for (std::int64_t i = 0; i < 101; ++i)
      ++seen.at(static_cast<std::size_t>(item_of_sample.at(epoch * 101 + i)));
    EXPECT_EQ(seen, std::vector<int>(sizes.size(), 1));
  }
}

TEST(Packer, KeepsTheBudgetAndFillsIt) {
  for (const std::int64_t budget : {4096, 8192, 32768})
    for (const int micro_batches : {1, 4, 64}) {
      const std::vector<std::int64_t> sizes = mixed_sizes(1000);
      const PackerOptions options = options_of(budget, micro_batches);
      Packer packer(sizes, options);
      std::int64_t used = 0;
      constexpr int kSteps = 100;
      for (int step = 0; step < kSteps; ++step) {
        const std::vector<MicroBatch> batches = packer.next_step();
        ASSERT_EQ(batches.size(), static_cast<std::size_t>(micro_batches));
        for (const MicroBatch& batch : batches) {
          std::int64_t tokens = 0;
          for (const Draw& draw : batch.draws) tokens += sizes[static_cast<std::size_t>(draw.item)];
          EXPECT_EQ(tokens, batch.tokens);
          EXPECT_LE(tokens, budget);
          EXPECT_FALSE(batch.draws.empty());
          used += tokens;
        }
      }
      const double fill =
          static_cast<double>(used) / static_cast<double>(budget * micro_batches * kSteps);
      EXPECT_GT(fill, 0.95) << budget << " tokens, " << micro_batches << " micro-batches";
    }
}

TEST(Packer, FillsTheBudgetWithOddSizes) {
  const RandomStream random(4, Purpose::kTest);
  std::vector<std::int64_t> sizes;
  for (std::uint64_t i = 0; i < 500; ++i) sizes.push_back(random.integer(i, 200, 3500));
  Packer packer(sizes, options_of(4000, 8));
  std::int64_t used = 0;
  for (int step = 0; step < 100; ++step)
    for (const MicroBatch& batch : packer.next_step()) used += batch.tokens;
  EXPECT_GT(static_cast<double>(used) / (4000.0 * 800), 0.9);
}

TEST(Packer, LetsNoSampleWaitForever) {
  // One clip of an awkward size among many that fill the budget alone or in pairs.
  std::vector<std::int64_t> sizes(200, 2048);
  for (std::size_t i = 0; i < sizes.size(); i += 2) sizes[i] = 4096;
  sizes[7] = 5;
  Packer packer(sizes, options_of(4096, 2));
  for (int step = 0; step < 2000; ++step) {
    packer.next_step();
    const PackerPosition& position = packer.position();
    EXPECT_LT(position.next_sample - position.pending.front(), 1000);
  }
}

// Corpora of a model whose longest clip has 32,760 tokens, 21 times 1,560 of an image: the cost of
// the slowest rank over the mean, of 200 steps.
TEST(Packer, StepsAreAlikeInCostOnWhateverRanks) {
  const RandomStream random(9, Purpose::kTest);
  const auto draw = [&](std::uint64_t i, int low, int high) {
    return random.integer(i, low, high);
  };
  const std::map<std::string, std::function<std::int64_t(std::uint64_t)>> corpora = {
      {"half images", [&](auto i) { return 1560 * (i % 2 == 0 ? 1 : draw(i, 2, 21)); }},
      {"images and the longest", [&](auto i) { return 1560 * (draw(i, 0, 4) > 0 ? 1 : 21); }},
      {"three sizes", [&](auto i) {
         constexpr std::int64_t kAreas[] = {390, 900, 1560};
         return kAreas[i % 3] * (draw(2 * i, 0, 9) < 3 ? 1 : draw(2 * i + 1, 1, 21));
       }}};
  for (const auto& [name, size_of] : corpora)
    for (const auto& [ranks, each] : {std::pair(8, 1), std::pair(8, 2), std::pair(3, 3)}) {
      std::vector<std::int64_t> sizes;
      for (std::uint64_t i = 0; i < 5000; ++i) sizes.push_back(size_of(i));
      PackerOptions options = options_of(32760, ranks * each);
      options.cost = {1.0, 8.6e-5};
      Packer packer(sizes, options);
      double sum = 0;
      for (int n = 0; n < 200; ++n) {
        const std::vector<MicroBatch> step = packer.next_step();
        double slowest = 0, total = 0;
        for (const std::vector<int>& share : assign_to_ranks(step, ranks)) {
          double cost = 0;
          for (const int batch : share) cost += step[static_cast<std::size_t>(batch)].cost;
          slowest = std::max(slowest, cost);
          total += cost / ranks;
        }
        sum += slowest / total;
      }
      EXPECT_LE(sum / 200, 1.05) << name << ", " << ranks << " ranks of " << each;
    }
}

// Whatever its clips are like: a step is not the cheap ones first.
TEST(Packer, OneMicroBatchAStepIsThatOfTheSampleThatWaitsLongest) {
  Packer packer(mixed_sizes(100), options_of(4096, 1));
  for (int step = 0; step < 50; ++step) {
    const std::int64_t oldest = step == 0 ? 0 : packer.position().pending.front();
    const std::vector<MicroBatch> batches = packer.next_step();
    EXPECT_TRUE(std::ranges::any_of(batches[0].draws, [&](const Draw& draw) {
      return draw.sample == oldest;
    })) << step;
  }
}

TEST(Packer, GivesTheSamePlanTwice) {
  Packer one(mixed_sizes(100), options_of(8192, 4));
  Packer two(mixed_sizes(100), options_of(8192, 4));
  for (int step = 0; step < 20; ++step) EXPECT_EQ(one.next_step(), two.next_step());
  PackerOptions other = options_of(8192, 4);
  other.seed = 18;
  EXPECT_NE(Packer(mixed_sizes(100), other).next_step(),
            Packer(mixed_sizes(100), options_of(8192, 4)).next_step());
}

TEST(Packer, GoesOnFromAPositionAsIfItHadNeverStopped) {
  Packer whole(mixed_sizes(100), options_of(8192, 4));
  for (int step = 0; step < 13; ++step) whole.next_step();
  Packer resumed(mixed_sizes(100), options_of(8192, 4));
  resumed.restore(whole.position());
  for (int step = 0; step < 50; ++step) EXPECT_EQ(resumed.next_step(), whole.next_step());
}

TEST(Packer, RefusesAPositionThatCannotBe) {
  Packer packer(mixed_sizes(10), options_of(8192, 4));
  EXPECT_THROW(packer.restore({10, {3, 3}}), Error);
  EXPECT_THROW(packer.restore({10, {3, 12}}), Error);
  EXPECT_THROW(packer.restore({10, {-1}}), Error);
  EXPECT_THROW(packer.restore({-1, {}}), Error);
}

TEST(Packer, RefusesClipsThatDoNotFit) {
  EXPECT_THROW(Packer({}, options_of(10, 1)), Error);
  EXPECT_THROW(Packer({5, 11}, options_of(10, 1)), Error);
  EXPECT_THROW(Packer({5, 0}, options_of(10, 1)), Error);
  EXPECT_THROW(Packer({5}, options_of(10, 0)), Error);
}

TEST(Packer, WorksWithOneClip) {
  Packer packer({5}, options_of(17, 2));
  for (int step = 0; step < 10; ++step)
    for (const MicroBatch& batch : packer.next_step()) EXPECT_EQ(batch.tokens, 15);
}

TEST(AssignToRanks, SharesOneStepEquallyAndCompletely) {
  Packer packer(mixed_sizes(1000), options_of(8192, 24));
  const std::vector<MicroBatch> step = packer.next_step();
  for (const int ranks : {1, 2, 3, 8, 24}) {
    const std::vector<std::vector<int>> shares = assign_to_ranks(step, ranks);
    std::vector<int> all;
    for (const std::vector<int>& share : shares) {
      EXPECT_EQ(share.size(), static_cast<std::size_t>(24 / ranks));
      all.insert(all.end(), share.begin(), share.end());
    }
    std::ranges::sort(all);
    std::vector<int> expected(24);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(all, expected);
  }
  EXPECT_THROW(assign_to_ranks(step, 0), Error);
}

TEST(AssignToRanks, SharesAsEvenlyAsTheNumbersAllow) {
  Packer packer(mixed_sizes(1000), options_of(8192, 7));
  const std::vector<MicroBatch> step = packer.next_step();
  for (const int ranks : {2, 3, 5, 6, 9}) {
    std::vector<int> all;
    for (const std::vector<int>& share : assign_to_ranks(step, ranks)) {
      EXPECT_LE(share.size(), static_cast<std::size_t>((7 + ranks - 1) / ranks)) << ranks;
      all.insert(all.end(), share.begin(), share.end());
    }
    std::ranges::sort(all);
    EXPECT_EQ(all, (std::vector<int>{0, 1, 2, 3, 4, 5, 6})) << ranks;
  }
}

TEST(AssignToRanks, BalancesCost) {
  PackerOptions options = options_of(8192, 32);
  options.cost = {1.0, 1e-3};  // attention dominates: a long clip costs much more than many short
  Packer packer(mixed_sizes(1000), options);
  double slowest = 0;
  double mean = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<MicroBatch> step = packer.next_step();
    double largest = 0;
    double total = 0;
    for (const std::vector<int>& share : assign_to_ranks(step, 8)) {
      double cost = 0;
      for (const int batch : share) cost += step[static_cast<std::size_t>(batch)].cost;
      largest = std::max(largest, cost);
      total += cost;
    }
    slowest += largest;
    mean += total / 8;
  }
  EXPECT_LT(slowest / mean, 1.05);
}

}  // namespace
}  // namespace muybridge
