#include "cli/bench_batch.h"

#include <gtest/gtest.h>

#include "train/load_config.h"

namespace muybridge {
namespace {

MicroBatchSize size_of(const std::string& file, const std::vector<std::string>& overrides) {
  return size_of_batch(load_train_config(MUYBRIDGE_SOURCE_DIR "/configs/" + file, overrides));
}

TEST(BenchBatch, HasClipsOfLatentsWhereTheModelMakesThem) {
  const MicroBatchSize one = size_of("dit-1.3b.yaml", {});
  EXPECT_EQ(one.tokens, 32760);  // 21 x 30 x 52, of 81 frames of 832 x 480
  EXPECT_EQ(one.clips, 1);
  EXPECT_EQ(size_of("dit-1.3b.yaml", {"batch.tokens=65520"}).clips, 2);
}

TEST(BenchBatch, HasClipsOfPixelsAsTheyAreRendered) {
  const MicroBatchSize batch =
      size_of("shapes.yaml", {"eval.frames=8", "eval.size=16x16", "batch.tokens=200"});
  EXPECT_EQ(batch.tokens, 25 * 2 * 2 * 2);
  EXPECT_EQ(batch.clips, 25);
}

}  // namespace
}  // namespace muybridge
