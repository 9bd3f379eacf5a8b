#include "train/checks/alike.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/training_run.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;

std::string complaint_of(Group& group, const std::vector<Fact>& facts) {
  try {
    require_alike(group, facts);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
}

TEST(Alike, AllRanksLearnWhichOneDiffersAndInWhat) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const bool odd = group->rank() == 1;
    EXPECT_EQ(complaint_of(*group, {{"a", "1"}, {"b", "2"}}), "");
    const std::string words = complaint_of(*group, {{"a", "1"}, {"b", odd ? "3" : "2"}});
    EXPECT_THAT(words, HasSubstr("b is 3, on rank 0 it is 2. All ranks"));
    EXPECT_EQ(words.find("a is"), std::string::npos);
    if (!odd) {
      EXPECT_THAT(words, HasSubstr("rank 1:"));
    }
    std::vector<Fact> some = {{"a", "1"}};
    if (!odd) some.push_back({"new", "x"});
    EXPECT_THAT(complaint_of(*group, some), HasSubstr("new is not there, on rank 0 it is x"));
  });
}

TEST(Alike, EveryKeyButTheThreadsOfARankCounts) {
  const std::vector<Fact> facts = facts_of({});
  EXPECT_EQ(std::ssize(facts), std::ssize(values_of(TrainConfig())));  // less threads, the version
  TrainConfig other;
  other.threads = 7;
  for (std::size_t i = 0; i < facts.size(); ++i)
    EXPECT_EQ(facts_of(other)[i].value, facts[i].value);
  other.train.seed = 99;
  EXPECT_THAT(facts_of(other), ::testing::Contains(::testing::Field(&Fact::value, "99")));
}

}  // namespace
}  // namespace muybridge
