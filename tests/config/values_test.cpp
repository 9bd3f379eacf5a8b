#include "config/values.h"

#include <gtest/gtest.h>

#include "config/text.h"

namespace muybridge {
namespace {

TEST(ConfigValues, WholeNumbersAreDecimalDigits) {
  std::string reason;
  EXPECT_EQ(parse_whole("0", reason), 0);
  EXPECT_EQ(parse_whole("-7", reason), -7);
  EXPECT_EQ(parse_whole("+7", reason), 7);
  EXPECT_EQ(parse_whole("9223372036854775807", reason), INT64_MAX);
  for (const char* text : {"", "+", "010", "-01", "0x10", "1_000", "1e3", "1.", " 1", "1 ", "one",
                           "9223372036854775808", "--1", "+-1"}) {
    reason.clear();
    EXPECT_FALSE(parse_whole(text, reason)) << text;
    EXPECT_FALSE(reason.empty()) << text;
  }
}

TEST(ConfigValues, NumbersAreFiniteDecimals) {
  std::string reason;
  EXPECT_EQ(parse_number("1e-4", reason), 1e-4);
  EXPECT_EQ(parse_number("+.5", reason), 0.5);
  EXPECT_EQ(parse_number("3.", reason), 3.0);
  EXPECT_EQ(parse_number("-0.25E+1", reason), -2.5);
  for (const char* text : {"", ".", "e5", "1e", "1e+", "inf", ".inf", "nan", ".nan", "0x1p3",
                           "1e400", "1e-400", "01.5", "1,5", "1 000", "1d3", "+-1", "1.2.3"}) {
    reason.clear();
    EXPECT_FALSE(parse_number(text, reason)) << text;
    EXPECT_FALSE(reason.empty()) << text;
  }
}

TEST(ConfigValues, FlagsAreTrueOrFalseOnly) {
  std::string reason;
  EXPECT_EQ(parse_flag("true", reason), true);
  EXPECT_EQ(parse_flag("false", reason), false);
  for (const char* text : {"", "True", "yes", "no", "on", "off", "1", "0", "y", "n"})
    EXPECT_FALSE(parse_flag(text, reason)) << text;
}

TEST(ConfigValues, FrameSizeIsWidthByHeight) {
  EXPECT_EQ(parse_frame_size("48x32"), (FrameSize{48, 32}));
  EXPECT_EQ(to_text(FrameSize{48, 32}), "48x32");
  for (const char* text :
       {"", "x", "48", "48x", "x32", "0x32", "48x032", "-4x3", "4x3x2", "4 x 3", "123456x1", "4X3"})
    EXPECT_FALSE(parse_frame_size(text)) << text;
}

TEST(ConfigValues, QuotedTextsReadBackAsTheyWere) {
  EXPECT_EQ(quote_for_yaml("runs/shapes"), "runs/shapes");
  for (const std::string text : {"",
                                 "a b",
                                 "no",
                                 "null",
                                 "~",
                                 "010",
                                 "true",
                                 "a: b",
                                 "a #b",
                                 "- a",
                                 "\"q\"",
                                 "back\\slash",
                                 "two\nlines\t",
                                 "\x1b[31m",
                                 "\x7f",
                                 "ünï",
                                 "[a]",
                                 "&a",
                                 "*a",
                                 "!a",
                                 "%a",
                                 "'",
                                 "a,b",
                                 "...",
                                 "---",
                                 "=",
                                 "@",
                                 "`"}) {
    ConfigMistakes mistakes;
    const ConfigNode tree =
        parse_config_text("key: " + quote_for_yaml(text) + "\nlist: [" + quote_for_yaml(text) + "]",
                          std::make_shared<const std::string>("f"), mistakes);
    mistakes.throw_if_any();
    EXPECT_EQ(tree.find("key")->value.scalar, text);
    EXPECT_EQ(tree.find("key")->value.kind, ConfigNode::Kind::kScalar);
    EXPECT_EQ(tree.find("list")->value.items.at(0).scalar, text);
  }
}

}  // namespace
}  // namespace muybridge
