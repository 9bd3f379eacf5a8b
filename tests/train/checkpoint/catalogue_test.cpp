#include "train/checkpoint/catalogue.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

TEST(Catalogue, OfAllRanksIsTheUnionAndOneShapeEach) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const int rank = group->rank();
    const Catalogue mine = {{fmt::format("stage.{}", rank / 2), {2, 3}}, {"shared", {5}}};
    std::vector<std::string> names;
    for (const ManifestParameter& parameter : merged(mine, *group)) names.push_back(parameter.name);
    EXPECT_EQ(names, (std::vector<std::string>{"stage.0", "shared", "stage.1"}));
    try {
      merged({{"w", rank == 2 ? Shape{4, 3} : Shape{3, 4}}}, *group);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInternal);
      EXPECT_NE(std::string(error.what()).find("w is [3, 4] on rank 0, [4, 3] on rank 2"),
                std::string::npos)
          << error.what();
    }
  });
}

// The others wait for what it knows.
TEST(Catalogue, ARankThatCannotTellItsOwnIsLost) {
  ExitCode code = ExitCode::kDone;
  std::string said;
  run_local_ranks(
      2,
      [&](const std::shared_ptr<Group>& group) {
        try {
          merged({{group->rank() == 1 ? "\xff" : "a", {2}}}, *group);
        } catch (const Error& error) {
          if (group->rank() == 0) return;  // its time was over
          code = error.code();
          said = error.what();
        }
      },
      /*time_limit_seconds=*/0.5, AtEnd::kLeave);
  EXPECT_EQ(code, ExitCode::kRankLost);
  EXPECT_NE(said.find("UTF-8"), std::string::npos) << said;
}

}  // namespace
}  // namespace muybridge
