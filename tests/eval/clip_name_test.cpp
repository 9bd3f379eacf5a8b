#include "eval/clip_name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace muybridge {
namespace {

TEST(ClipName, SaysThePromptAndTheSeed) {
  EXPECT_EQ(clip_stem("A red circle, moving left.", 7), "a-red-circle-moving-left-seed-7");
  EXPECT_EQ(clip_stem("  two   words ", 0), "two-words-seed-0");
}

TEST(ClipName, TellsApartWhatItsWordsDoNot) {
  const std::string many(300, 'x');
  std::set<std::string> names;
  for (const std::string& prompt :
       {many + " red", many + " blue", std::string("\xE7\xBA\xA2"), std::string("\xE8\x93\x9D"),
        std::string(), std::string("caf\xC3\xA9"), std::string("caf")})
    names.insert(clip_stem(prompt, 1));
  EXPECT_EQ(names.size(), 7U);
  EXPECT_TRUE(clip_stem("\xE7\xBA\xA2", 1).starts_with("clip-"));
}

TEST(ClipName, CutsBetweenWords) {
  const std::string name = clip_stem(
      "a tall ship with seven white sails crosses the bay at noon while gulls cry over it", 3);
  EXPECT_TRUE(name.starts_with("a-tall-ship-with-seven-white-sails-crosses-the-bay-at-")) << name;
  EXPECT_EQ(name.find("noon-w"), std::string::npos) << name;
}

TEST(ClipName, FitsEveryFileSystem) {
  for (const std::string& prompt :
       {std::string("../../etc/passwd"), std::string("con"), std::string("a:b*c?\"<>|\\\n\t"),
        std::string(1000, '-'), std::string(1000, 'z'), std::string("\xFF\xFE\0", 3),
        std::string("-rf .hidden")}) {
    const std::string name = clip_stem(prompt, std::numeric_limits<std::uint64_t>::max());
    EXPECT_LE(name.size(), 100U);
    EXPECT_NE(name.front(), '-') << name;
    EXPECT_TRUE(std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    })) << name;
  }
}

}  // namespace
}  // namespace muybridge
