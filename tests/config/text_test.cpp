#include "config/text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "core/error.h"

namespace muybridge {
namespace {

ConfigNode parse(const std::string& text) {
  ConfigMistakes mistakes;
  ConfigNode tree =
      parse_config_text(text, std::make_shared<const std::string>("f.yaml"), mistakes);
  mistakes.throw_if_any();
  return tree;
}

std::string mistake(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

bool begins(const std::string& text, const std::string& start) { return text.starts_with(start); }

TEST(ConfigText, KeepsTextsAsWrittenAndWhereTheyStand) {
  const ConfigNode tree = parse("a: 010\nb:\n  c: 'no'\n  d: [1, {e: no}]\n");
  const ConfigNode& a = tree.find("a")->value;
  EXPECT_EQ(a.scalar, "010");
  EXPECT_FALSE(a.quoted);
  EXPECT_EQ(a.place.text(), "f.yaml:1:4");
  const ConfigNode& b = tree.find("b")->value;
  EXPECT_EQ(tree.find("b")->place.text(), "f.yaml:2:1");
  EXPECT_EQ(b.find("c")->value.scalar, "no");
  EXPECT_TRUE(b.find("c")->value.quoted);
  const ConfigNode& d = b.find("d")->value;
  ASSERT_EQ(d.items.size(), 2U);
  EXPECT_EQ(d.items[1].find("e")->value.place.text(), "f.yaml:4:14");
}

TEST(ConfigText, EmptyTextIsNothingAndWindowsLineEndsAreFine) {
  EXPECT_EQ(parse("").kind, ConfigNode::Kind::kNothing);
  EXPECT_EQ(parse("# only\n# comments\n").kind, ConfigNode::Kind::kNothing);
  EXPECT_EQ(parse("a:\r\n  b: 1\r\n").find("a")->value.find("b")->value.scalar, "1");
}

TEST(ConfigText, RefusesWhatYamlAllowsAndAConfigurationDoesNotNeed) {
  EXPECT_TRUE(begins(mistake("a: &x 1\nb: *x\n"), "f.yaml:1:4: anchors"));
  EXPECT_TRUE(begins(mistake("a: !int 1\n"), "f.yaml:1:4: tags"));
  EXPECT_TRUE(begins(mistake("a: 1\n---\nb: 2\n"), "f.yaml:2:1: the document ended before this"));
  EXPECT_TRUE(begins(mistake("? [a]\n: b\n"), "f.yaml:1:3: a key must be a plain name"));
  EXPECT_TRUE(begins(mistake(": b\n"), "f.yaml:1:1: a key is missing"));
}

TEST(ConfigText, RefusesRawBytesWithTheirPlace) {
  EXPECT_TRUE(begins(mistake("a:\n\tb: 1\n"), "f.yaml:2:1: a tab"));
  EXPECT_TRUE(begins(mistake("a:\n  \tb: 1\n"), "f.yaml:2:3: a tab"));
  EXPECT_EQ(mistake("a: 1\t# a tab elsewhere\n"), "");
  EXPECT_TRUE(begins(mistake("a: b\xFF"), "f.yaml:1:5: byte 0xFF is not UTF-8"));
  EXPECT_TRUE(begins(mistake(std::string("a: b\0c", 6)), "f.yaml:1:5: control character 0x00"));
  EXPECT_TRUE(begins(mistake("\xFF\xFE"
                             "a"),
                     "f.yaml:1:1: byte 0xFF"));
}

TEST(ConfigText, SyntaxMistakesHaveAPlace) {
  EXPECT_TRUE(begins(mistake("a:\n  b: 1\n   c: 2\n"), "f.yaml:3:5: not YAML: "));
  EXPECT_TRUE(begins(mistake("a: 1\nb: [1, 2\n"), "f.yaml:2:4: not YAML: what opens here"));
  EXPECT_TRUE(begins(mistake("a: \"\\q\"\n"), "f.yaml:1:7: not YAML: "));
}

TEST(ConfigText, SizeDepthAndCountAreLimited) {
  EXPECT_TRUE(begins(mistake(std::string(kMostConfigBytes + 1, '#')), "f.yaml:1:1: 1000001 bytes"));
  std::string deep = "a: ";
  for (int i = 0; i < 40; ++i) deep += '[';
  for (int i = 0; i < 40; ++i) deep += ']';
  EXPECT_NE(mistake(deep).find("levels of nesting"), std::string::npos) << mistake(deep);
  std::string many = "a: [0";
  for (int i = 0; i < 30000; ++i) many += ",0";
  EXPECT_NE(mistake(many + "]").find("more than 20000 values"), std::string::npos);
}

// yaml-cpp 0.7 has texts on which its own loader never ends; each of these must.
TEST(ConfigText, RepeatedTokensEndSoon) {
  for (const std::string token :
       {",",   "[",     "{",     "? ",     "- ",    ": ",     "\"",  "'",  "|\n",
        "a: ", "a: {",  "!",     "%a\n",   "---\n", "...\n",  "}",   "]",  "\\",
        "a,",  "? a\n", "- a\n", ">\n\n ", "{},",   "k: v\n", "&a ", "*a "}) {
    std::string text;
    while (text.size() < 100'000) text += token;
    const auto start = std::chrono::steady_clock::now();
    mistake(text);
    mistake("a: [" + text);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << token;
  }
}

TEST(ConfigText, RandomMutationsNeverCrashOrHang) {
  const std::string valid =
      "# a run\nrun:\n  name: 'x y' # c\n  list: [1, \"two\", {three: 3}]\nbatch:\n  tokens: 4096\n"
      "text: |\n  two\n  lines\nflags: {a: true, b: false}\nlist:\n  - a\n  - b: c\n";
  ASSERT_EQ(mistake(valid), "");
  const std::string special = ":-?[]{},#&*!|>'\"%@`\t\n\r \\/.0e~<=\xFF\xE2\x80";
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto start = std::chrono::steady_clock::now();
  int refused = 0;
  constexpr int kTries = 20'000;
  for (int i = 0; i < kTries; ++i) {
    std::string text = valid;
    for (std::size_t edits = 1 + below(8); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + below(5));
          break;
        case 2:
          text.insert(at, 1 + below(30), special[below(special.size())]);
          break;
        case 3:
          text.insert(at, text.substr(below(text.size()), below(60)));
          break;
        default:
          text[at] = special[below(special.size())];
      }
    }
    refused += !mistake(text).empty();
  }
  EXPECT_GT(refused, kTries / 2);
  EXPECT_LT(refused, kTries) << "some mutations are harmless";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(120));
}

}  // namespace
}  // namespace muybridge
