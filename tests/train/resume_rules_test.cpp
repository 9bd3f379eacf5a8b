#include "train/resume_rules.h"

#include <gtest/gtest.h>

#include <set>

#include "core/system/file.h"
#include "train/config.h"

namespace muybridge {
namespace {

TEST(ResumeRules, KnowEveryKeyOnceAndNoOther) {
  std::multiset<std::string> keys, ruled;
  for (const ConfigValue& each : values_of(TrainConfig())) keys.insert(each.key);
  for (const KeyRule& each : resume_rules()) ruled.insert(std::string(each.key));
  EXPECT_EQ(ruled, keys);
  EXPECT_THROW(rule_of("model.colour"), std::invalid_argument);
}

TEST(ResumeRules, AreThoseOfTheDocument) {
  const std::string document =
      read_file(std::filesystem::path(MUYBRIDGE_SOURCE_DIR) / "docs/checkpoints.md");
  EXPECT_NE(document.find(resume_rules_text()), std::string::npos)
      << "docs/checkpoints.md wants this table:\n"
      << resume_rules_text();
}

}  // namespace
}  // namespace muybridge
