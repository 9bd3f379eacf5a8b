#include "core/text/printable.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(Printable, ShowsControlCharactersAndObeysNone) {
  EXPECT_EQ(printable("a\x1b[31mb\rc\x7f"), "a\\x1b[31mb\\x0dc\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
}

TEST(Printable, LeavesTextAsItIs) {
  const std::string text = "swing.mp4: dépôt 映画\n\tnext line \xc2\xa0";
  EXPECT_EQ(printable(text), text);
  EXPECT_EQ(printable_line("two\nlines"), "two\\x0alines");
}

}  // namespace
}  // namespace muybridge
