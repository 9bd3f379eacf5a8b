#include "eval/html.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(EscapeHtml, LeavesNoMarkupAndNoBrokenText) {
  EXPECT_EQ(escape_html("a <b> & \"c\" 'd'"), "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(escape_html("rouge \xC3\xA9t\xC3\xA9 \xF0\x9F\x90\x8E"), "rouge été 🐎");
  EXPECT_EQ(escape_html("a\xFF"
                        "b\xC3"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(escape_html(std::string("a\0b\x1B", 4)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(escape_html("two\nlines"), "two lines");
}

TEST(EscapeUrl, KeepsAPathAndHidesTheRest) {
  EXPECT_EQ(escape_url("samples/step-00000200/a_1.mp4"), "samples/step-00000200/a_1.mp4");
  EXPECT_EQ(escape_url("a b\"#?%é"), "a%20b%22%23%3F%25%C3%A9");
}

TEST(GroupDigits, PutsACommaBeforeEveryThirdDigit) {
  EXPECT_EQ(group_digits(0), "0");
  EXPECT_EQ(group_digits(999), "999");
  EXPECT_EQ(group_digits(1000), "1,000");
  EXPECT_EQ(group_digits(1234567), "1,234,567");
  EXPECT_EQ(group_digits(-12345), "-12,345");
}

TEST(FormatPercent, NeverRoundsUp) {
  EXPECT_EQ(format_percent(1.0), "100%");
  EXPECT_EQ(format_percent(0.9999), "99.9%");
  EXPECT_EQ(format_percent(71.0 / 72), "98.6%");
  EXPECT_EQ(format_percent(2.0 / 3), "66.7%");
  EXPECT_EQ(format_percent(0.29), "29%");
  EXPECT_EQ(format_percent(0.0), "0%");
}

}  // namespace
}  // namespace muybridge
