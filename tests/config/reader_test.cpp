#include "config/reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace muybridge {
namespace {

enum class Fruit { kApple, kPear };

struct Basket {
  int count = 3;
  double weight = 0.5;
  bool open = true;
  std::string label = "none";
  Fruit fruit = Fruit::kApple;
  FrameSize size{4, 2};
  std::array<int, 3> steps{1, 2, 3};
  std::vector<int> layers{1, 2};
  TextOrList notes;
};
struct Shop {
  std::string name;
  std::int64_t seed = 0;
  Basket basket;
};

ConfigSection describe(Shop& shop) {
  ConfigSection to;
  to.add_required("name", shop.name, "name over the door");
  to.add("seed", shop.seed, "of chance", {.at_least = 0});
  ConfigSection& basket = to.add_section("basket", "What is carried");
  basket.add("count", shop.basket.count, "pieces", {.at_least = 1, .at_most = 9});
  basket.add("weight", shop.basket.weight, "kilograms", {.above = 0, .below = 10});
  basket.add("open", shop.basket.open, "can be reached into");
  basket.add("label", shop.basket.label, "what is written on it");
  basket.add_choice("fruit", shop.basket.fruit, {"apple", "pear"}, "what is in it");
  basket.add("size", shop.basket.size, "of the lid");
  basket.add("steps", shop.basket.steps, "three of them", {.at_least = 1});
  basket.add("layers", shop.basket.layers, "as many as there are", {.at_least = 1});
  basket.add("notes", shop.basket.notes, "one or many");
  return to;
}

class ConfigTest : public testing::Test {
 protected:
  ConfigTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("muybridge-config-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    std::filesystem::current_path(folder_);
  }
  ~ConfigTest() override {
    std::filesystem::current_path("/");
    std::filesystem::remove_all(folder_);
  }

  static Shop load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    std::ofstream("shop.yaml") << text;
    Shop shop;
    ConfigReader("shop.yaml", overrides).fill(describe(shop));
    return shop;
  }

  // What is reported; empty where it loads.
  static std::string mistakes(const std::string& text,
                              const std::vector<std::string>& overrides = {}) {
    try {
      load(text, overrides);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, ReadsEveryTypeAndKeepsDefaults) {
  const Shop shop = load(R"(
name: 010            # a text may look like a number
basket:
  count: 9
  weight: 2.5e-1
  fruit: pear
  size: 48x32
  steps: [3, 2, 1]
  layers: [4, 5, 6, 7]
  notes: ["a b", c]
)");
  EXPECT_EQ(shop.name, "010");
  EXPECT_EQ(shop.seed, 0);
  EXPECT_EQ(shop.basket.count, 9);
  EXPECT_EQ(shop.basket.weight, 0.25);
  EXPECT_TRUE(shop.basket.open);
  EXPECT_EQ(shop.basket.label, "none");
  EXPECT_EQ(shop.basket.fruit, Fruit::kPear);
  EXPECT_EQ(shop.basket.size, (FrameSize{48, 32}));
  EXPECT_EQ(shop.basket.steps, (std::array<int, 3>{3, 2, 1}));
  EXPECT_EQ(shop.basket.layers, (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(shop.basket.notes.list, (std::vector<std::string>{"a b", "c"}));
}

TEST_F(ConfigTest, UnknownKeyNamesTheNearest) {
  EXPECT_EQ(mistakes("name: x\nbasket:\n  cuont: 1\n"),
            "shop.yaml:3:3: basket.cuont: unknown key; did you mean basket.count?");
}

TEST_F(ConfigTest, KeyOfAnotherSectionIsFoundThere) {
  EXPECT_EQ(mistakes("name: x\nweigth: 1\n"),
            "shop.yaml:2:1: weigth: unknown key; did you mean basket.weight?");
}

TEST_F(ConfigTest, UnknownKeyThatIsNearNothingListsWhatIsKnown) {
  EXPECT_EQ(mistakes("name: x\nzzzzzz: 1\n"),
            "shop.yaml:2:1: zzzzzz: unknown key; known here: name, seed, basket");
}

TEST_F(ConfigTest, AKeyWrittenAsInAnOverrideIsExplained) {
  EXPECT_EQ(mistakes("name: x\nbasket.count: 1\n"),
            "shop.yaml:2:1: basket.count: unknown key; only overrides join names by dots; write "
            "'count:' below 'basket:'");
  EXPECT_EQ(mistakes("name: x\nbasket.cuont: 1\n"),
            "shop.yaml:2:1: basket.cuont: unknown key; known here: name, seed, basket");
  EXPECT_EQ(mistakes("name: x\nbasket.count.big: 1\n"),
            "shop.yaml:2:1: basket.count.big: unknown key; known here: name, seed, basket");
}

TEST_F(ConfigTest, MissingKeyPointsAtItsSection) {
  EXPECT_EQ(mistakes("# nothing\nseed: 1\n"),
            "shop.yaml:2:1: name: missing; it is the name over the door");
  EXPECT_EQ(mistakes(""), "shop.yaml:1:1: name: missing; it is the name over the door");
}

TEST_F(ConfigTest, DuplicateKeyNamesBothLines) {
  EXPECT_EQ(mistakes("name: x\nbasket:\n  count: 1\n  open: true\n  count: 2\n"),
            "shop.yaml:5:3: basket.count: given twice; the first is in line 3");
}

TEST_F(ConfigTest, WrongTypesArePlacedAtTheValue) {
  const std::string head = "name: x\nbasket: {";
  const auto reason = [&](const std::string& setting) {
    const std::string all = mistakes(head + setting + "}\n");
    return all.substr(0, all.find('\n'));
  };
  EXPECT_EQ(reason("count: many"),
            "shop.yaml:2:17: basket.count: expected a whole number, got 'many'");
  EXPECT_EQ(reason("count: 1.0"),
            "shop.yaml:2:17: basket.count: expected a whole number in digits, got '1.0'");
  EXPECT_EQ(reason("count: '1'"),
            "shop.yaml:2:17: basket.count: expected a whole number, got the quoted text '1'; leave "
            "the quotes away");
  EXPECT_EQ(reason("count: [1]"),
            "shop.yaml:2:17: basket.count: expected a whole number, got a list of 1");
  EXPECT_EQ(reason("count: "),
            "shop.yaml:2:10: basket.count: expected a whole number, got nothing");
  EXPECT_EQ(reason("weight: .inf"),
            "shop.yaml:2:18: basket.weight: expected a number such as 0.001 or 1e-3, got '.inf'");
  EXPECT_EQ(reason("open: yes"), "shop.yaml:2:16: basket.open: expected true or false, got 'yes'");
  EXPECT_EQ(reason("label: {a: 1}"),
            "shop.yaml:2:17: basket.label: expected a text, got a section");
  EXPECT_EQ(
      reason("label: null"),
      "shop.yaml:2:10: basket.label: expected a text, got nothing; write \"\" for an empty one");
  EXPECT_EQ(
      reason("size: 48"),
      "shop.yaml:2:16: basket.size: expected width x height in pixels, such as 48x32, got '48'");
  EXPECT_EQ(reason("steps: [1, 2]"),
            "shop.yaml:2:17: basket.steps: expected a list of 3 whole numbers such as [1, 2, 2], "
            "got a list of 2");
  EXPECT_EQ(reason("steps: [1, 2, x]"),
            "shop.yaml:2:17: basket.steps: number 3 of the list: expected a whole number, got 'x'");
  EXPECT_EQ(reason("layers: []"),
            "shop.yaml:2:18: basket.layers: expected a list of whole numbers such as [1, 2, 4], "
            "got a list of 0");
  EXPECT_EQ(reason("layers: [2, 0]"),
            "shop.yaml:2:18: basket.layers: number 2 of the list: must be at least 1, got 0");
  EXPECT_EQ(reason("notes: []"), "shop.yaml:2:17: basket.notes: the list is empty");
}

TEST_F(ConfigTest, SectionAndValueAreNotConfused) {
  EXPECT_EQ(mistakes("name: x\nbasket: full\n"),
            "shop.yaml:2:9: basket: expected a section (with count, weight, open, label, fruit, "
            "size, steps, layers, notes), got 'full'");
  EXPECT_EQ(mistakes("name: x\nbasket:\n"), "") << "a section with every line commented out";
}

TEST_F(ConfigTest, OutOfRangeTellsTheRange) {
  EXPECT_EQ(mistakes("name: x\nbasket:\n  count: 10\n"),
            "shop.yaml:3:10: basket.count: must be at least 1 and at most 9, got 10");
  EXPECT_EQ(mistakes("name: x\nbasket:\n  weight: 0\n"),
            "shop.yaml:3:11: basket.weight: must be above 0 and below 10, got 0");
  EXPECT_EQ(mistakes("name: x\nbasket:\n  weight: 1e1\n"),
            "shop.yaml:3:11: basket.weight: must be above 0 and below 10, got 1e1");
  EXPECT_EQ(mistakes("name: x\nseed: -1\n"), "shop.yaml:2:7: seed: must be at least 0, got -1");
}

TEST_F(ConfigTest, UnknownChoiceListsThemAndTheNearest) {
  EXPECT_EQ(mistakes("name: x\nbasket:\n  fruit: paer\n"),
            "shop.yaml:3:10: basket.fruit: expected one of apple, pear, got 'paer'; did you mean "
            "pear?");
}

TEST_F(ConfigTest, AllMistakesAreReportedAtOnceUpToTwenty) {
  EXPECT_EQ(mistakes("basket:\n  count: 0\n  open: 1\n"),
            "shop.yaml:2:10: basket.count: must be at least 1 and at most 9, got 0\n"
            "shop.yaml:3:9: basket.open: expected true or false, got '1'\n"
            "shop.yaml:1:1: name: missing; it is the name over the door");
  std::string many = "name: x\n";
  for (int i = 0; i < 30; ++i) many += "wrong" + std::to_string(i) + ": 1\n";
  const std::string all = mistakes(many);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 20);
  EXPECT_TRUE(all.ends_with("\n... and 10 more mistakes")) << all;
}

TEST_F(ConfigTest, OverridesReplaceAndAreNamedInMistakes) {
  const Shop shop = load("name: x\nbasket:\n  count: 2\n",
                         {"basket.count=4", "basket.count=5", "basket.label=a: b # c",
                          "name=", "basket.steps=[7,8,9]", "basket.layers=[5]"});
  EXPECT_EQ(shop.basket.count, 5) << "the last one counts";
  EXPECT_EQ(shop.basket.label, "a: b # c");
  EXPECT_EQ(shop.name, "");
  EXPECT_EQ(shop.basket.steps, (std::array<int, 3>{7, 8, 9}));
  EXPECT_EQ(shop.basket.layers, std::vector<int>{5});
  EXPECT_EQ(mistakes("name: x\n", {"basket.cont=4", "basket.open=maybe"}),
            "override 'basket.cont=4': basket.cont: unknown key; did you mean basket.count?\n"
            "override 'basket.open=maybe': basket.open: expected true or false, got 'maybe'");
}

TEST_F(ConfigTest, RulesBetweenFieldsPointAtTheValueOrWhatHoldsIt) {
  std::ofstream("shop.yaml") << "name: x\nbasket:\n  count: 2\n";
  Shop shop;
  ConfigReader reader("shop.yaml", {"seed=4"});
  reader.fill(describe(shop));
  reader.refuse("basket.count", "too few");
  reader.refuse("basket.weight", "too light");
  reader.refuse("seed", "unlucky");
  try {
    reader.finish();
    FAIL() << "mistakes were lost";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "shop.yaml:3:10: basket.count: too few\n"
                 "shop.yaml:2:1: basket.weight: too light\n"
                 "override 'seed=4': seed: unlucky");
  }
}

TEST_F(ConfigTest, WhatAFileHoldsCannotSteerTheTerminal) {
  const std::string all = mistakes("name: x\nbasket:\n  fruit: \"\\e[31m\\nred\"\n");
  EXPECT_EQ(all.find('\x1b'), std::string::npos);
  EXPECT_EQ(all.find('\n'), std::string::npos);
}

TEST_F(ConfigTest, RootMustBeSections) {
  EXPECT_EQ(mistakes("hello\n", {"name=x"}),
            "shop.yaml:1:1: expected sections such as 'model:', got 'hello'");
}

}  // namespace
}  // namespace muybridge
