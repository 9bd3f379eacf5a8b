#include "data/loader/validation_set.h"

#include <set>

#include "core/error.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class ValidationSetTest : public TemporaryCorpus {
 protected:
  static BatchOptions options() {
    BatchOptions options;
    options.patch = {1, 4, 4};
    options.token_budget = 128;
    options.caption_drop_rate = 1;  // of training; validation keeps its captions
    return options;
  }
};

TEST_F(ValidationSetTest, HasEveryHeldOutClipOnceWithItsCaption) {
  const CorpusIndex corpus = make(mixed(100));
  const ValidationSet set(corpus, options(), 0);
  EXPECT_EQ(set.clips(), 10);
  std::set<std::int64_t> clips;
  for (int i = 0; i < set.batches(); ++i) {
    const Batch batch = set.batch(i);
    EXPECT_LE(batch.packing.used(), 128);
    EXPECT_EQ(batch.tokens.shape(), (Shape{128, 48}));
    EXPECT_EQ(batch.samples, batch.clip_ids);
    for (std::size_t c = 0; c < batch.clip_ids.size(); ++c) {
      EXPECT_TRUE(clips.insert(batch.clip_ids[c]).second);
      EXPECT_EQ(batch.clip_ids[c] % 10, 9);
      EXPECT_EQ(batch.captions[c], fmt::format("caption {}", batch.clip_ids[c]));
    }
  }
  EXPECT_EQ(clips.size(), 10U);
  EXPECT_EQ(set.batch(0).clip_ids, ValidationSet(corpus, options(), 0).batch(0).clip_ids);
}

TEST_F(ValidationSetTest, LimitedIsSpreadOverTheCorpus) {
  const CorpusIndex corpus = make(mixed(100));
  const ValidationSet set(corpus, options(), 2);
  EXPECT_EQ(set.clips(), 2);
  std::set<std::int64_t> clips;
  for (int i = 0; i < set.batches(); ++i)
    for (const std::int64_t clip : set.batch(i).clip_ids) clips.insert(clip);
  EXPECT_EQ(clips, (std::set<std::int64_t>{9, 59}));
}

TEST_F(ValidationSetTest, TakesNoMoreRowsThanItsClipsFill) {
  const CorpusIndex corpus = make(mixed(100));
  BatchOptions large = options();
  large.token_budget = std::int64_t{1} << 40;
  const ValidationSet set(corpus, large, 0);
  ASSERT_EQ(set.batches(), 1);
  const Batch batch = set.batch(0);
  EXPECT_EQ(batch.clip_ids.size(), 10U);
  EXPECT_EQ(batch.tokens.shape()[0], batch.packing.used());
}

TEST_F(ValidationSetTest, OfACorpusWithoutIsEmpty) {
  const CorpusIndex corpus = make({{}, {}});
  const ValidationSet set(corpus, options(), 5);
  EXPECT_EQ(set.batches(), 0);
  EXPECT_EQ(set.clips(), 0);
}

}  // namespace
}  // namespace muybridge
