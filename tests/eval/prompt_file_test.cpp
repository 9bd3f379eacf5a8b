#include "eval/prompt_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"

namespace muybridge {
namespace {

using Prompts = std::vector<std::string>;
namespace fs = std::filesystem;

class PromptFile : public testing::Test {
 protected:
  PromptFile()
      : path_(fs::temp_directory_path() /
              ("muybridge-prompts-" + std::to_string(::getpid()) + ".txt")) {}
  ~PromptFile() override { fs::remove(path_); }

  Prompts read(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
    return read_prompt_file(path_);
  }
  // What the refusal says behind the file's name; fails the test where there is none.
  std::string refusal(const std::string& content) const {
    try {
      read(content);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return std::string(error.what()).substr(path_.string().size());
    }
    ADD_FAILURE() << "was read";
    return "";
  }

  fs::path path_;
};

TEST_F(PromptFile, HoldsTheSamePromptsHoweverItWasSaved) {
  const Prompts expected = {"a red thing", "zwei Bälle, é"};
  EXPECT_EQ(read("a red thing\nzwei Bälle, é\n"), expected);
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a red thing\r\nzwei Bälle, é\r\n"),
            expected);
  EXPECT_EQ(read("a red thing\rzwei Bälle, é"), expected);
  EXPECT_EQ(read("\n# two prompts\n  a red thing \t\r\n\r\n\n zwei Bälle, é"), expected);
}

TEST_F(PromptFile, NamesTheLineThatIsNotUtf8) {
  EXPECT_TRUE(refusal("a\nb\xE4lle\nc").starts_with(":2: ")) << refusal("a\nb\xE4lle\nc");
  EXPECT_TRUE(refusal(std::string("a\r\n\r\nb\0c", 8)).starts_with(":3: "));
  EXPECT_NE(refusal(std::string("\xFF\xFE"
                                "a\0",
                                4))
                .find("UTF-16"),
            std::string::npos);
}

TEST_F(PromptFile, WithoutPromptsIsAMistake) {
  EXPECT_EQ(refusal(""), ": no prompt in it; write one a line");
  EXPECT_EQ(refusal("\n \r\n# x\n"), ": no prompt in it; write one a line");
}

TEST_F(PromptFile, ThatIsNotThereIsAMistakeThatNamesTheNearest) {
  read("x");
  fs::path wrong = path_;
  wrong.replace_extension(".text");
  try {
    read_prompt_file(wrong);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("did you mean " + path_.string()), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(read_prompt_file(fs::temp_directory_path()), Error);
}

TEST(CleanPrompt, MayBeEmptyAndKeepsWhatIsInside) {
  EXPECT_EQ(clean_prompt(" \r\n", "x"), "");
  EXPECT_EQ(clean_prompt("a  b", "x"), "a  b");
  EXPECT_THROW(clean_prompt("\xE4", "--prompt"), Error);
}

}  // namespace
}  // namespace muybridge
