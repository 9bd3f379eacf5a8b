#include "model/tokenizer/base64.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace muybridge {
namespace {

// The examples of RFC 4648, section 10.
TEST(Base64, IsThatOfTheStandard) {
  EXPECT_EQ(from_base64("", "x"), "");
  EXPECT_EQ(from_base64("Zg==", "x"), "f");
  EXPECT_EQ(from_base64("Zm8=", "x"), "fo");
  EXPECT_EQ(from_base64("Zm9vYmFy", "x"), "foobar");
  EXPECT_EQ(from_base64("//8A+w==", "x"), std::string("\xFF\xFF\0\xFB", 4));
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Z", "Zm9", "Zm9v=", "Zm 9", "Zm9-", "=AAA", "A==="})
    EXPECT_THROW(from_base64(text, "x"), Error) << text;
}

}  // namespace
}  // namespace muybridge
