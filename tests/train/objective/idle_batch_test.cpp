#include "train/objective/idle_batch.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(IdleBatch, HasATokenAndACaptionAndRowsForAllRanks) {
  DitOptions options;
  options.channels = 3;
  for (const int ranks : {1, 6}) {
    const Batch batch = idle_batch(options, ranks);
    EXPECT_EQ(batch.packing.used(), 1);
    EXPECT_EQ(batch.packing.rows, ranks);
    EXPECT_EQ(batch.tokens.shape(), (Shape{ranks, options.token_width()}));
    EXPECT_EQ(batch.text_packing.clips(), batch.packing.clips());
    EXPECT_EQ(batch.text_ids.to_vector<std::int32_t>(), std::vector<std::int32_t>{kTextBegin});
    EXPECT_EQ(batch.samples.size(), 1U);
  }
}

}  // namespace
}  // namespace muybridge
