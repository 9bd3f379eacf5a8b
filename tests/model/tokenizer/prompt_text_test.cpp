// Against what diffusers' Wan pipeline does: cases made by tests/golden/make_umt5.py.
#include "model/tokenizer/prompt_text.h"

#include <gtest/gtest.h>

#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

TEST(CleanPrompt, IsWhatTheWanPipelineMakesOfAPrompt) {
  const nlohmann::json cases = testing::umt5_texts("prompts");
  for (const auto& [prompt, clean] : cases.items())
    EXPECT_EQ(clean_prompt(prompt), clean.get<std::string>()) << prompt;
}

TEST(CleanPrompt, LeavesBytesThatAreNoUtf8) {
  EXPECT_EQ(clean_prompt(" \xFF\xC3 a \xE2\x80"), "\xFF\xC3 a \xE2\x80");
}

}  // namespace
}  // namespace muybridge
