#include "eval/prompt_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class PromptFile : public ::testing::Test {
 protected:
  PromptFile()
      : path_(fs::path(::testing::TempDir()) / fmt::format("prompts-{}.txt", ::getpid())) {}
  ~PromptFile() override { fs::remove(path_); }

  std::vector<std::string> read(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
    return read_prompt_file(path_);
  }
  std::string refusal(const std::string& content) const {
    try {
      read(content);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return "none";
  }

  fs::path path_;
};

TEST_F(PromptFile, GivesTheSamePromptsWhateverWroteIt) {
  const std::vector<std::string> prompts = {"a red thing", "caf\xC3\xA9 # not a comment"};
  EXPECT_EQ(read("a red thing\ncaf\xC3\xA9 # not a comment\n"), prompts);
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a red thing\r\ncaf\xC3\xA9 # not a comment\r\n"),
            prompts);
  EXPECT_EQ(read("# mine\n\n  a red thing\t\n \t\n  # more\ncaf\xC3\xA9 # not a comment"), prompts);
}

TEST_F(PromptFile, NamesTheLineThatIsNotUtf8) {
  EXPECT_NE(refusal("a red thing\n\ncaf\xE9\n").find(path_.string() + ":3: "), std::string::npos);
  // UTF-16 as Windows' editors write it.
  EXPECT_NE(refusal(std::string("\xFF\xFE"
                                "a\0 \0",
                                6))
                .find(":1: "),
            std::string::npos);
}

TEST_F(PromptFile, SaysWhatToDoWhereThereIsNoPrompt) {
  EXPECT_NE(refusal("\n# nothing\n").find("no prompt in it"), std::string::npos);
  EXPECT_THROW(read_prompt_file(path_.string() + ".gone"), Error);
  EXPECT_THROW(read_prompt_file(path_.parent_path()), Error);
}

}  // namespace
}  // namespace muybridge
