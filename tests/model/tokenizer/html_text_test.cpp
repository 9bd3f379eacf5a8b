#include "model/tokenizer/html_text.h"

#include <gtest/gtest.h>

#include "model/tokenizer/characters.h"
#include "model/tokenizer/html_names.h"

namespace muybridge {
namespace {

TEST(UnescapeHtml, KnowsNamesNumbersAndWhatIsNone) {
  EXPECT_EQ(unescape_html("&lt;&#65;&#x42;&gt; &unknown; & &"), "<AB> &unknown; & &");
  EXPECT_EQ(unescape_html("&amp;lt;"), "&lt;") << "what it makes is not read again";
  EXPECT_EQ(unescape_html("&notit;&not;&no;"), "\u00acit;\u00ac&no;");
  EXPECT_EQ(unescape_html("&NotEqualTilde;"), "\u2242\u0338") << "two characters";
  EXPECT_EQ(unescape_html("&#99999999999999999999;"), "\uFFFD");
  EXPECT_EQ(unescape_html("&CounterClockwiseContourIntegral;"), "\u2233") << "the longest";
}

TEST(UnescapeHtml, HasEveryNameOfHtml5) {
  int names = 0, without_semicolon = 0;
  for (const std::string_view entry : words_of(kHtmlNames)) {
    const std::size_t mark = entry.find_first_of("=!");
    const std::string name(entry.substr(0, mark));
    EXPECT_FALSE(unescape_html("&" + name + ";").starts_with("&" + name)) << name;
    ++names;
    without_semicolon += entry[mark] == '!' ? 1 : 0;
  }
  EXPECT_EQ(names, 2125);
  EXPECT_EQ(without_semicolon, 106);
}

}  // namespace
}  // namespace muybridge
