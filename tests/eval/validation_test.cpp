#include "eval/validation.h"

#include <cmath>

#include "parallel/host/local_ranks.h"
#include "tests/data/temporary_corpus.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

using Losses = std::array<double, kTimeQuantiles>;

class Validation : public TemporaryCorpus {
 protected:
  static constexpr Grid kPatch{.frames = 1, .height = 4, .width = 4};

  static BatchOptions batches() {
    BatchOptions options;
    options.patch = kPatch;
    options.token_budget = 128;
    return options;
  }
  static Losses losses(const CorpusIndex& corpus, const ValidationOptions& options, int ranks) {
    Losses result{};
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      DitOptions tiny = tiny_dit_options();
      tiny.channels = 3;
      tiny.patch = kPatch;
      const TinyDit model(tiny);
      const Losses mine = validation_losses(model.dit, corpus, batches(), options, Mesh(group));
      if (group->rank() == 0) result = mine;
    });
    return result;
  }
};

TEST_F(Validation, IsTheSameOnAnyNumberOfRanks) {
  const CorpusIndex corpus = make(mixed(100));
  const Losses one = losses(corpus, {.seed = 3}, 1), three = losses(corpus, {.seed = 3}, 3);
  for (int i = 0; i < kTimeQuantiles; ++i) {
    EXPECT_GT(one[i], 0.1);
    EXPECT_NEAR(three[i], one[i], 1e-9 * one[i]);
  }
}

TEST_F(Validation, NoiseIsKeyedByTheSeed) {
  const CorpusIndex corpus = make(mixed(100));
  EXPECT_EQ(losses(corpus, {.seed = 3}, 1), losses(corpus, {.seed = 3}, 1));
  EXPECT_NE(losses(corpus, {.seed = 3}, 1), losses(corpus, {.seed = 4}, 1));
}

TEST_F(Validation, OfNothingHeldOutIsNotANumber) {
  const CorpusIndex corpus = make({{}, {}});
  for (const double loss : losses(corpus, {}, 2)) EXPECT_TRUE(std::isnan(loss));
}

}  // namespace
}  // namespace muybridge
