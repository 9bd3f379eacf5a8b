#include "data/loader/batch_builder.h"

#include <functional>

#include "core/error.h"
#include "core/ops/embedding.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class BatchBuilderTest : public TemporaryCorpus {
 protected:
  static Batch build(const CorpusIndex& corpus, const BatchOptions& options) {
    std::vector<DrawnClip> drawn;
    for (const SelectedClip& clip : select_clips(corpus, "train", options))
      drawn.push_back({100 + clip.clip, clip});
    std::vector<std::byte> scratch;
    return BatchBuilder(corpus, options).build(drawn, &scratch);
  }
};

BatchOptions options_of(std::int64_t budget) {
  BatchOptions options;
  options.patch = {1, 4, 4};
  options.token_budget = budget;
  return options;
}

void expect_usage_error(const std::string& part, const std::function<void()>& action) {
  try {
    action();
    FAIL() << "no error that says: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), 2) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST_F(BatchBuilderTest, LaysClipsEndToEnd) {
  const CorpusIndex corpus = make(
      {{.frames = 2, .caption = "a"}, {.frames = 1, .height = 4, .width = 12, .caption = "bé"}});
  const Batch batch = build(corpus, options_of(13));
  EXPECT_EQ(batch.packing.offsets, (std::vector<std::int32_t>{0, 8, 11}));
  EXPECT_EQ(batch.packing.grids, (std::vector<Grid>{{2, 2, 2}, {1, 1, 3}}));
  EXPECT_EQ(batch.packing.rows, 13);
  ASSERT_EQ(batch.tokens.shape(), (Shape{13, 48}));
  const float* tokens = batch.tokens.data<float>();
  // Token 5 is frame 1, row 0, column 1 of clip 0; element 14 is row 1, column 0, blue.
  const std::size_t place = ((1 * 8 + 1) * 8 + 4) * 3 + 2;
  EXPECT_EQ(tokens[5 * 48 + 14], unit(0, place));
  EXPECT_EQ(tokens[8 * 48], unit(1, 0));
  for (int i = 11 * 48; i < 13 * 48; ++i) EXPECT_EQ(tokens[i], 0.0F);
  std::vector<std::int32_t> ids = {256, 'a', 256, 'b', 0xC3, 0xA9};
  ids.resize(kTextRowStep, kSlackId);
  EXPECT_EQ(batch.text_ids.to_vector<std::int32_t>(), ids);
  EXPECT_EQ(batch.text_packing.offsets, (std::vector<std::int32_t>{0, 2, 6}));
  EXPECT_EQ(batch.clip_ids, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(batch.samples, (std::vector<std::int64_t>{100, 101}));
  EXPECT_EQ(batch.captions, (std::vector<std::string>{"a", "bé"}));
}

TEST_F(BatchBuilderTest, CutsCaptionsBetweenCharacters) {
  const CorpusIndex corpus = make({{.caption = "abécd"}});
  BatchOptions options = options_of(4);
  options.max_caption_bytes = 3;
  EXPECT_EQ(build(corpus, options).captions[0], "ab");
  options.max_caption_bytes = 4;
  EXPECT_EQ(build(corpus, options).captions[0], "abé");
}

TEST_F(BatchBuilderTest, CutsLongClips) {
  const CorpusIndex corpus = make({{.frames = 9}});
  BatchOptions options = options_of(100);
  options.patch = {2, 4, 4};
  EXPECT_EQ(build(corpus, options).packing.grids[0], (Grid{4, 2, 2}));
  options.max_frames = 5;
  EXPECT_EQ(build(corpus, options).packing.grids[0], (Grid{2, 2, 2}));
}

TEST_F(BatchBuilderTest, DropsCaptionsBySampleAtTheGivenRate) {
  const CorpusIndex corpus =
      make(std::vector<Clip>(1000, {.height = 4, .width = 4, .caption = "x"}));
  BatchOptions options = options_of(1000);
  options.caption_drop_rate = 0.2F;
  const Batch batch = build(corpus, options);
  EXPECT_EQ(batch.captions, build(corpus, options).captions);
  const auto dropped = std::ranges::count(batch.captions, "");
  EXPECT_GT(dropped, 150);
  EXPECT_LT(dropped, 250);
  EXPECT_EQ(batch.text_packing.used(), 2 * 1000 - dropped);
  options.seed = 1;
  EXPECT_NE(batch.captions, build(corpus, options).captions);
}

TEST_F(BatchBuilderTest, NamesTheClipThatDoesNotFitAndItsSizes) {
  const CorpusIndex corpus = make({{}, {.frames = 3, .height = 16, .width = 20}});
  expect_usage_error(
      "shard-00000.h5 clip 1 (clip-00001.mp4 at 0 s): 3 frames of 20x16 is 60 tokens",
      [&] { select_clips(corpus, "train", options_of(59)); });
  EXPECT_EQ(select_clips(corpus, "train", options_of(60)).size(), 2U);
  BatchOptions options = options_of(1000);
  options.patch = {1, 16, 16};
  expect_usage_error("clip 0 (clip-00000.mp4 at 0 s): 1 frames of 8x8 is smaller than a patch",
                     [&] { select_clips(corpus, "train", options); });
}

TEST_F(BatchBuilderTest, RefusesLatentsAndMixedChannels) {
  ClipRecord record;
  record.frames = record.height = record.width = 4;
  const std::vector<float> data(4 * 4 * 4 * 16);
  {
    ShardWriter writer(folder_, 0, "{}");
    record.channels = 3;
    writer.add(record, data.data());
    record.channels = 4;
    writer.add(record, data.data());
    writer.commit();
  }
  expect_usage_error("3 and 4 channels",
                     [&] { BatchBuilder(CorpusIndex::build(folder_), options_of(64)); });
  std::filesystem::remove(shard_path(folder_, 0));
  {
    ShardWriter writer(folder_, 0, "{}");
    record.channels = 16;
    record.dtype = DType::kF32;
    writer.add(record, data.data());
    writer.commit();
  }
  expect_usage_error("latents", [&] { BatchBuilder(CorpusIndex::build(folder_), options_of(64)); });
}

}  // namespace
}  // namespace muybridge
