// Held-out clips are measured on and never trained on.
#include <map>

#include "data/loader/loader.h"
#include "tests/train/training_run.h"
#include "train/load_config.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

class HeldOut : public testing::TrainingRun {};

TEST_F(HeldOut, ClipsAreInNoBatchOfAWholeRunAndAllOthersAre) {
  const TrainConfig config = load_train_config(scratch_ / "tiny.yaml");
  const CorpusIndex corpus = CorpusIndex::open(config.data.train);
  const std::vector<std::int64_t> held_out = corpus.clips_of("validation");
  ASSERT_EQ(held_out.size(), 4U);
  std::map<std::int64_t, int> seen;
  for (int rank = 0; rank < 2; ++rank) {
    Loader loader(corpus, loader_options(config), rank, 2);
    for (int step = 0; step < config.train.steps; ++step)
      for (int left = loader.begin_step(); left > 0; --left)
        for (const std::int64_t clip : loader.next().clip_ids) ++seen[clip];
  }
  for (const std::int64_t clip : held_out) EXPECT_FALSE(seen.contains(clip)) << clip;
  for (const std::int64_t clip : corpus.clips_of("train")) EXPECT_TRUE(seen.contains(clip)) << clip;
}

// The whole program, evaluations and a second start between: other held-out clips, the same model.
TEST_F(HeldOut, ClipsHaveNoPartInWhatIsLearned) {
  make_corpus(scratch_ / "other", 26, 16, /*held_out_ground=*/200);
  for (const auto& [name, corpus] : {std::pair{"a", "corpus"}, {"b", "other"}}) {
    const std::string settings =
        fmt::format("eval.every=3 data.train={} train.steps=", (scratch_ / corpus).string());
    ASSERT_EQ(run_to_end(train(2, name, settings + "6")), 0) << log();
    ASSERT_EQ(run_to_end(train(1, name, settings + "12")), 0) << log();
    EXPECT_EQ(went_on_after(), 6);
  }
  EXPECT_EQ(losses("a"), losses("b"));
  EXPECT_EQ(weights("a"), weights("b"));
  EXPECT_NE(metrics("a").back().at("validation_loss"), metrics("b").back().at("validation_loss"));
}

}  // namespace
}  // namespace muybridge
