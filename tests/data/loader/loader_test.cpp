#include "data/loader/loader.h"

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class LoaderTest : public TemporaryCorpus {
 protected:
  // All that a batch says, for comparison.
  struct Content {
    std::vector<float> tokens;
    std::vector<std::int32_t> ids, offsets, text_offsets;
    std::vector<std::int64_t> samples, clips;
    bool operator==(const Content&) const = default;
    bool operator<(const Content& other) const { return samples < other.samples; }
  };

  static Content content_of(const Batch& batch) {
    return {batch.tokens.to_vector<float>(),
            batch.text_ids.to_vector<std::int32_t>(),
            batch.packing.offsets,
            batch.text_packing.offsets,
            batch.samples,
            batch.clip_ids};
  }

  // The micro-batches of the first steps of all ranks, step by step, in an order of their own.
  static std::vector<std::set<Content>> run(const CorpusIndex& corpus, const LoaderOptions& options,
                                            int ranks, int steps) {
    std::vector<std::set<Content>> all(static_cast<std::size_t>(steps));
    for (int rank = 0; rank < ranks; ++rank) {
      Loader loader(corpus, options, rank, ranks);
      for (std::set<Content>& step : all)
        for (int left = loader.begin_step(); left > 0; --left)
          step.insert(content_of(loader.next()));
    }
    return all;
  }
};

LoaderOptions options_of(int micro_batches) {
  LoaderOptions options;
  options.patch = {1, 4, 4};
  options.token_budget = 128;
  options.micro_batches = micro_batches;
  options.seed = 3;
  options.caption_drop_rate = 0.2F;
  return options;
}

TEST_F(LoaderTest, ShowsEveryTrainingClipOnceAnEpochWithItsOwnPixels) {
  const CorpusIndex corpus = make(mixed(50), 15);
  Loader loader(corpus, options_of(2), 0, 1);
  EXPECT_EQ(loader.clips(), 45);
  std::map<std::int64_t, std::int64_t> clip_of_sample;
  while (clip_of_sample.size() < 400) {
    const Batch batch = loader.next();
    const float* tokens = batch.tokens.data<float>();
    for (int c = 0; c < batch.packing.clips(); ++c) {
      const auto i = static_cast<std::size_t>(c);
      EXPECT_TRUE(clip_of_sample.emplace(batch.samples[i], batch.clip_ids[i]).second);
      EXPECT_EQ(tokens[batch.packing.offsets[i] * 48], unit(batch.clip_ids[i], 0));
      const std::string& caption = batch.captions[i];
      EXPECT_TRUE(caption.empty() || caption == fmt::format("caption {}", batch.clip_ids[i]));
    }
  }
  std::set<std::int64_t> first_epoch;
  for (std::int64_t sample = 0; sample < 45; ++sample) {
    EXPECT_TRUE(first_epoch.insert(clip_of_sample.at(sample)).second);
    EXPECT_NE(clip_of_sample.at(sample) % 10, 9);  // held out
  }
}

TEST_F(LoaderTest, GivesTheSameStepsForAnyRanksAndThreads) {
  const CorpusIndex corpus = make(mixed(60), 20);
  const LoaderOptions options = options_of(12);
  const auto expected = run(corpus, options, 1, 6);
  EXPECT_EQ(expected[0].size(), 12U);
  for (const int ranks : {2, 3, 5, 12, 14})
    EXPECT_EQ(run(corpus, options, ranks, 6), expected) << ranks;
  LoaderOptions threaded = options;
  threaded.threads = 5;
  threaded.prefetch = 9;
  EXPECT_EQ(run(corpus, threaded, 3, 6), expected);
  LoaderOptions other_seed = options;
  other_seed.seed = 4;
  EXPECT_NE(run(corpus, other_seed, 1, 6), expected);
}

TEST_F(LoaderTest, ARankWithoutAMicroBatchStandsWhereTheOthersStand) {
  const CorpusIndex corpus = make(mixed(60));
  Loader busy(corpus, options_of(2), 0, 3), idle(corpus, options_of(2), 2, 3);
  for (int step = 1; step <= 5; ++step) {
    ASSERT_EQ(busy.begin_step(), 1);
    busy.next();
    EXPECT_EQ(idle.begin_step(), 0);
    EXPECT_EQ(idle.position(), busy.position());
    EXPECT_EQ(idle.position().step, step);
  }
}

TEST_F(LoaderTest, GoesOnFromAPositionInOrder) {
  const CorpusIndex corpus = make(mixed(60));
  LoaderOptions options = options_of(4);
  options.threads = 3;
  Loader whole(corpus, options, 1, 2);
  EXPECT_EQ(whole.position().step, 0);
  for (int i = 0; i < 2 * 7; ++i) whole.next();
  const LoaderPosition position = whole.position();
  EXPECT_EQ(position.step, 7);

  whole.next();  // half of step 8: the position is still that of step 7
  EXPECT_EQ(whole.position(), position);
  const Content after = content_of(whole.next());
  EXPECT_EQ(whole.position().step, 8);

  const nlohmann::json json = position;
  const auto read_back = nlohmann::json::parse(json.dump()).get<LoaderPosition>();
  EXPECT_EQ(read_back, position);
  Loader resumed(corpus, options, 1, 2);
  resumed.next();
  resumed.restore(read_back);
  EXPECT_EQ(resumed.position(), position);
  resumed.next();
  EXPECT_EQ(content_of(resumed.next()), after);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(content_of(resumed.next()), content_of(whole.next()));

  // On another number of ranks the same steps follow.
  Loader alone(corpus, options, 0, 1);
  alone.restore(position);
  std::set<Content> step;
  for (int i = 0; i < 4; ++i) step.insert(content_of(alone.next()));
  EXPECT_TRUE(step.contains(after));
}

TEST_F(LoaderTest, RefusesABadPositionAndGoesOn) {
  const CorpusIndex corpus = make(mixed(20));
  Loader loader(corpus, options_of(1), 0, 1);
  LoaderPosition position;
  position.packer = {5, {7}};
  EXPECT_THROW(loader.restore(position), Error);
  loader.next();
}

TEST_F(LoaderTest, RaisesDamageInNextAndNamesTheClip) {
  const CorpusIndex corpus = make(mixed(40), 10);
  const CorpusShard& shard = corpus.shards()[2];
  const ShardReader reader(folder_ / shard.file);
  // Damage every clip of the third shard.
  std::string content;
  {
    std::ifstream in(reader.path(), std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (int clip = 0; clip < shard.clips; ++clip) {
    std::string first;
    for (std::size_t p = 0; p < 32; ++p) first += static_cast<char>(pixel(20 + clip, p));
    const auto place = content.find(first);
    ASSERT_NE(place, std::string::npos);
    content[place] = static_cast<char>(content[place] ^ 1);
  }
  std::fstream(reader.path(), std::ios::binary | std::ios::in | std::ios::out) << content;

  LoaderOptions options = options_of(2);
  options.threads = 2;
  Loader loader(corpus, options, 0, 1);
  std::string message;
  for (int i = 0; i < 100 && message.empty(); ++i) try {
      for (const std::int64_t clip : loader.next().clip_ids) EXPECT_TRUE(clip < 20 || clip >= 30);
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.code()), 65);
      message = error.what();
    }
  EXPECT_NE(message.find("shard-00002.h5: clip "), std::string::npos) << message;
  EXPECT_NE(message.find(".mp4"), std::string::npos) << message;
  EXPECT_THROW(loader.next(), Error);  // and again: nothing is skipped in silence
}

TEST_F(LoaderTest, RefusesWhatCannotWorkBeforeItStarts) {
  const CorpusIndex corpus = make(mixed(20));
  LoaderOptions options = options_of(1);
  options.token_budget = 5;
  EXPECT_THROW(Loader(corpus, options, 0, 1), Error);
  options = options_of(1);
  options.split = "validation";
  EXPECT_EQ(Loader(corpus, options, 0, 1).clips(), 2);
  options.threads = 0;
  EXPECT_THROW(Loader(corpus, options, 0, 1), Error);
}

TEST_F(LoaderTest, MakesBatchesAheadAndCountsTheTimeWaited) {
  const CorpusIndex corpus = make(mixed(40));
  Loader loader(corpus, options_of(1), 0, 1);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) loader.next();
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(loader.wait_seconds(), 0);
  EXPECT_LE(loader.wait_seconds(), all.count());

  while (loader.ready() < 4) std::this_thread::yield();  // prefetch is 4
  const double before = loader.wait_seconds();
  for (int i = 0; i < 4; ++i) loader.next();
  EXPECT_EQ(loader.wait_seconds(), before);
}

TEST_F(LoaderTest, StopsWhileItsThreadsAreBusy) {
  const CorpusIndex corpus = make(mixed(40));
  LoaderOptions options = options_of(4);
  options.threads = 4;
  options.prefetch = 16;
  for (int i = 0; i < 50; ++i) Loader(corpus, options, 0, 2).next();
}

}  // namespace
}  // namespace muybridge
