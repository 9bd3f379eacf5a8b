#include "train/evaluation/evaluation_prompts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

using Prompts = std::vector<std::string>;

class EvaluationPrompts : public TemporaryCorpus {
 protected:
  static Prompts texts(const TextOrList& prompts, int count, const CorpusIndex* corpus) {
    Prompts all;
    for (const EvaluationPrompt& prompt : evaluation_prompts(prompts, count, corpus).picked)
      all.push_back(prompt.text);
    return all;
  }
};

TEST_F(EvaluationPrompts, AreThoseOfTheListSpreadOverIt) {
  TextOrList prompts;
  prompts.list = {"a", "b", "c", "d", "e"};
  EXPECT_TRUE(texts(prompts, 0, nullptr).empty());
  EXPECT_EQ(texts(prompts, 5, nullptr), prompts.list);
  EXPECT_EQ(evaluation_prompts(prompts, 2, nullptr).picked,
            (std::vector<EvaluationPrompt>{{"a", 0}, {"c", 2}}));
  for (const int count : {1, 2, 9}) EXPECT_EQ(evaluation_prompts(prompts, count, nullptr).known, 5);
}

TEST_F(EvaluationPrompts, AFewOfAllCombinationsHaveEveryKind) {
  TextOrList prompts;
  prompts.text = "shapes";
  const Prompts some = texts(prompts, 12, nullptr);
  ASSERT_EQ(some.size(), 12U);
  for (const char* word : {"circle", "square", "triangle", "left", "right", "up", "down", "red",
                           "green", "blue", "yellow", "purple", "white"})
    EXPECT_TRUE(std::ranges::any_of(some, [&](const std::string& prompt) {
      return prompt.find(word) != std::string::npos;
    })) << word;
}

TEST_F(EvaluationPrompts, AreTheLinesOfAFileAndAnEmptyFileIsAMistake) {
  TextOrList prompts;
  prompts.text = (folder_ / "prompts.txt").string();
  std::ofstream(prompts.text) << "a kite\n\na train\n";
  EXPECT_EQ(texts(prompts, 2, nullptr), (Prompts{"a kite", "a train"}));
  std::ofstream(prompts.text) << "\n";
  EXPECT_THROW(evaluation_prompts(prompts, 9, nullptr), Error);
}

TEST_F(EvaluationPrompts, OfAListAreCleanedAsCaptionsAre) {
  TextOrList prompts;
  prompts.list = {" a kite\r\n", ""};
  EXPECT_EQ(texts(prompts, 2, nullptr), (Prompts{"a kite", ""}));
  prompts.list = {"k\xE4se"};
  EXPECT_THROW(evaluation_prompts(prompts, 9, nullptr), Error);
}

TEST_F(EvaluationPrompts, ThatAreFewComeAgainWithOtherSeeds) {
  TextOrList prompts;
  prompts.list = {"a", "b"};
  EXPECT_EQ(evaluation_prompts(prompts, 5, nullptr).picked,
            (std::vector<EvaluationPrompt>{{"a", 0}, {"a", 2}, {"a", 4}, {"b", 1}, {"b", 3}}));
}

TEST_F(EvaluationPrompts, WhenNotGivenAreCaptionsOfHeldOutClipsThenOfTraining) {
  const CorpusIndex corpus = make({{.caption = "learned"},
                                   {.caption = "x", .split = "validation"},
                                   {.caption = "x", .split = "validation"},
                                   {.caption = "y", .split = "validation"}});
  EXPECT_EQ(texts({}, 2, &corpus), (Prompts{"x", "y"}));
  EXPECT_EQ(texts({}, 1, &corpus), (Prompts{"x"}));
  EXPECT_EQ(evaluation_prompts({}, 4, &corpus).picked,
            (std::vector<EvaluationPrompt>{{"x", 0, "held out", 1},
                                           {"x", 3, "held out", 1},
                                           {"y", 1, "held out", 3},
                                           {"learned", 2, "training", 0}}));
  EXPECT_TRUE(texts({}, 8, nullptr).empty());
}

TEST_F(EvaluationPrompts, WhenNothingIsHeldOutAreCaptionsOfTraining) {
  const CorpusIndex corpus = make({{.caption = "a"}, {.caption = ""}, {.caption = "b"}});
  EXPECT_EQ(texts({}, 2, &corpus), (Prompts{"a", "b"}));
}

}  // namespace
}  // namespace muybridge
