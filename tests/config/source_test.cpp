#include "config/source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"

namespace muybridge {
namespace {

class ConfigSourceTest : public testing::Test {
 protected:
  ConfigSourceTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("muybridge-source-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_ / "below");
    std::filesystem::current_path(folder_);
  }
  ~ConfigSourceTest() override {
    std::filesystem::current_path("/");
    std::filesystem::remove_all(folder_);
  }

  static void write(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary) << text;
  }

  static std::string mistake(const std::string& name) {
    ConfigMistakes mistakes;
    try {
      read_config_file(name, mistakes);
      mistakes.throw_if_any();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return "";
  }

  static ConfigNode with(const std::string& text, ConfigMistakes& mistakes) {
    ConfigNode tree;
    apply_override(text, tree, mistakes);
    return tree;
  }

  static std::string override_mistake(const std::string& text) {
    ConfigMistakes mistakes;
    with(text, mistakes);
    try {
      mistakes.throw_if_any();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigSourceTest, AFileIsLaidOnItsBase) {
  write("base.yaml", "a: {b: 1, c: 2, list: [1, 2]}\nd: 3\n");
  write("below/top.yaml", "base: ../base.yaml\na: {c: 9, list: [7]}\n");
  ConfigMistakes mistakes;
  const ConfigNode tree = read_config_file("below/top.yaml", mistakes);
  mistakes.throw_if_any();
  const ConfigNode& a = tree.find("a")->value;
  EXPECT_EQ(a.find("b")->value.scalar, "1");
  EXPECT_EQ(a.find("c")->value.scalar, "9");
  EXPECT_EQ(a.find("list")->value.items.size(), 1U) << "lists are replaced, not joined";
  EXPECT_EQ(tree.find("d")->value.scalar, "3");
  EXPECT_EQ(tree.find("base"), nullptr);
  EXPECT_EQ(a.find("c")->value.place.text(), "below/top.yaml:2:8");
  EXPECT_EQ(tree.find("d")->value.place.text(), "below/../base.yaml:2:4") << "each its own file";
}

TEST_F(ConfigSourceTest, ABaseMustExistAndNotCircle) {
  write("a.yaml", "x: 1\nbase: nothing.yaml\n");
  EXPECT_EQ(mistake("a.yaml"),
            "a.yaml:2:7: base: no such file: nothing.yaml (a path relative to this file)");
  write("b.yaml", "base: c.yaml\n");
  write("c.yaml", "base: b.yaml\n");
  EXPECT_EQ(mistake("b.yaml"), "c.yaml:1:7: base: 'b.yaml' builds on itself");
  write("d.yaml", "base: [a.yaml]\n");
  EXPECT_EQ(mistake("d.yaml"),
            "d.yaml:1:7: base: expected the path of another configuration, got a list of 1");
  for (int i = 0; i < 12; ++i) write(fmt::format("e{}", i), fmt::format("base: e{}\n", i + 1));
  write("e12", "a: 1\n");
  EXPECT_EQ(mistake("e0"), "e8:1:7: base: more than 8 files");
}

TEST_F(ConfigSourceTest, WhatIsNoReadableFileIsRefused) {
  EXPECT_EQ(mistake("none.yaml"), "none.yaml: no such file; name a YAML configuration");
  write("shapes.yaml", "a: 1\n");
  EXPECT_EQ(mistake("shape.yaml"),
            "shape.yaml: no such file; name a YAML configuration; did you mean shapes.yaml?");
  write("top.yaml", "base: shapez.yaml\n");
  EXPECT_EQ(mistake("top.yaml"),
            "top.yaml:1:7: base: no such file: shapez.yaml (a path relative to "
            "this file); did you mean shapes.yaml?");
  EXPECT_EQ(mistake("below"), "below: not a file; name a YAML configuration");
  EXPECT_EQ(mistake("/dev/zero"), "/dev/zero: not a file; name a YAML configuration");
  write("large.yaml", std::string(1'000'001, '#'));
  EXPECT_EQ(mistake("large.yaml"), "large.yaml: 1000001 bytes; a configuration holds at most 1 MB");
}

TEST_F(ConfigSourceTest, AnOverrideTakesItsValueAsItStands) {
  ConfigMistakes mistakes;
  EXPECT_EQ(with("a.b=c=d # e: f", mistakes).find("a")->value.find("b")->value.scalar,
            "c=d # e: f");
  EXPECT_EQ(with("a=[1, 'x, y']", mistakes).find("a")->value.items.at(1).scalar, "x, y");
  EXPECT_TRUE(with("a='1'", mistakes).find("a")->value.quoted);
  EXPECT_TRUE(mistakes.empty());
}

TEST_F(ConfigSourceTest, AnOverrideThatIsNoneIsRefused) {
  EXPECT_EQ(override_mistake("steps"),
            "override 'steps': expected key=value, as in train.steps=500");
  EXPECT_EQ(override_mistake("=5"), "override '=5': expected key=value, as in train.steps=500");
  EXPECT_EQ(override_mistake("a..b=5"),
            "override 'a..b=5': a..b: not a key; names are joined by single dots: train.steps");
  EXPECT_EQ(override_mistake("a=[1"),
            "override 'a=[1': a: the value is neither a list nor a quoted text of YAML");
  EXPECT_EQ(override_mistake("a={b: 1, b: 2}"),
            "override 'a={b: 1, b: 2}': a: the value is neither a list nor a quoted text of YAML");
  EXPECT_NE(override_mistake("a=\xFF").find("not UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
