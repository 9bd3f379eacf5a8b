#include "train/model_options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

using Prompts = std::vector<std::string>;

class EvaluationPrompts : public TemporaryCorpus {};

TEST_F(EvaluationPrompts, AreThoseOfTheListEvenlyPicked) {
  TextOrList prompts;
  prompts.list = {"a", "b", "c", "d"};
  EXPECT_EQ(evaluation_prompts(prompts, 0, nullptr), (Prompts{"a", "b", "c", "d"}));
  EXPECT_EQ(evaluation_prompts(prompts, 2, nullptr), (Prompts{"a", "c"}));
}

TEST_F(EvaluationPrompts, AreTheLinesOfAFileAndAnEmptyFileIsAMistake) {
  TextOrList prompts;
  prompts.text = (folder_ / "prompts.txt").string();
  std::ofstream(prompts.text) << "a kite\n\na train\n";
  EXPECT_EQ(evaluation_prompts(prompts, 0, nullptr), (Prompts{"a kite", "a train"}));
  std::ofstream(prompts.text) << "\n";
  EXPECT_THROW(evaluation_prompts(prompts, 0, nullptr), Error);
}

TEST_F(EvaluationPrompts, WhenNotGivenAreTheDistinctCaptionsOfHeldOutClips) {
  const CorpusIndex corpus = make({{.caption = "learned"},
                                   {.caption = "x", .split = "validation"},
                                   {.caption = "x", .split = "validation"},
                                   {.caption = "y", .split = "validation"}});
  EXPECT_EQ(evaluation_prompts({}, 8, &corpus), (Prompts{"x", "y"}));
  EXPECT_EQ(evaluation_prompts({}, 1, &corpus), (Prompts{"x"}));
  EXPECT_TRUE(evaluation_prompts({}, 8, nullptr).empty());
}

TEST_F(EvaluationPrompts, WhenNothingIsHeldOutAreCaptionsOfTraining) {
  const CorpusIndex corpus = make({{.caption = "a"}, {.caption = ""}, {.caption = "b"}});
  EXPECT_EQ(evaluation_prompts({}, 0, &corpus), (Prompts{"a", "b"}));
}

}  // namespace
}  // namespace muybridge
