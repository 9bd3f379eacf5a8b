#include "eval/shared_batches.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/error.h"
#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

Batch batch_of(int first) {
  const float x = static_cast<float>(first);
  return {.packing = Packing::of({{1, 1, 2}, {1, 1, 1}}, 4),
          .tokens = Tensor::of<float>({4, 2}, {x, 1, 2, 3, 4, 5, 0, 0}),
          .text_packing = Packing::of_lengths({2, 1}),
          .text_ids = Tensor::of<std::int32_t>({3}, {first, 8, 9}),
          .clip_ids = {first, 12},
          .samples = {5, 6},
          .captions = {"a \"red\" kite", "ein Würfel"}};
}

TEST(SharedBatches, OneRankReadsAndAllHaveThem) {
  std::atomic<int> reads{0};
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    const std::vector<Batch> batches = share_batches(*group, [&] {
      ++reads;
      return std::vector<Batch>{batch_of(3), batch_of(4)};
    });
    ASSERT_EQ(batches.size(), 2);
    for (int i = 0; i < 2; ++i) {
      const Batch want = batch_of(3 + i);
      const Batch& got = batches[static_cast<std::size_t>(i)];
      EXPECT_EQ(got.packing.grids, want.packing.grids);
      EXPECT_EQ(got.packing.rows, 4);
      EXPECT_EQ(got.tokens.to_vector<float>(), want.tokens.to_vector<float>());
      EXPECT_EQ(got.text_packing.offsets, want.text_packing.offsets);
      EXPECT_EQ(got.text_ids.to_vector<std::int32_t>(), want.text_ids.to_vector<std::int32_t>());
      EXPECT_EQ(got.clip_ids, want.clip_ids);
      EXPECT_EQ(got.samples, want.samples);
      EXPECT_EQ(got.captions, want.captions);
    }
  });
  EXPECT_EQ(reads, 1);
}

TEST(SharedBatches, WhatTheReaderCannotReadIsAnErrorOfAll) {
  std::atomic<int> errors{0};
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    try {
      share_batches(*group, []() -> std::vector<Batch> { fail(ExitCode::kIo, "clip 7: gone"); });
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      EXPECT_NE(std::string(error.what()).find("clip 7: gone"), std::string::npos);
      ++errors;
    }
  });
  EXPECT_EQ(errors, 3);
}

}  // namespace
}  // namespace muybridge
