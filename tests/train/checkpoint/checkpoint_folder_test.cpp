#include "train/checkpoint/checkpoint_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

using namespace testing;
namespace fs = std::filesystem;

void save(const fs::path& folder, std::int64_t step) {
  const Parameters parameters = sample_parameters();
  save_checkpoint(folder, sample_state(parameters, step, 0, 1), *solo_group(), 100);
}

void flip_byte(const fs::path& path) {
  std::string content = read_file(path);
  content[content.size() / 2] ^= 0x10;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

std::int64_t newest(const fs::path& folder) {
  const auto commit = find_newest_commit(folder, *solo_group());
  return commit ? CheckpointReader(*commit).manifest().step : -1;
}

TEST(CheckpointFolder, ListsCommitsAndNothingElse) {
  const ScratchFolder folder;
  for (const char* name :
       {"step-00000012", "step-00000003", "step-123456789", ".step-00000044.tmp", "step-12",
        "step-00000099.damaged", "step-0000001x", "steps", "step-000000012"})
    fs::create_directory(folder / name);
  std::vector<std::int64_t> steps;
  for (const Commit& commit : list_commits(folder.path())) steps.push_back(commit.step);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{3, 12, 123456789}));
  EXPECT_TRUE(list_commits(folder / "nothing").empty());
}

TEST(CheckpointFolder, FallsBackToTheNewestCommitThatVerifies) {
  const ScratchFolder folder;
  EXPECT_EQ(newest(folder.path()), -1);
  for (const std::int64_t step : {1, 2, 3, 4}) save(folder.path(), step);
  EXPECT_EQ(newest(folder.path()), 4);
  flip_byte(folder / "step-00000004" / "rank-0000.h5");
  EXPECT_EQ(newest(folder.path()), 3);
  flip_byte(folder / "step-00000003" / "manifest.json");
  EXPECT_EQ(newest(folder.path()), 2);
  fs::remove(folder / "step-00000002" / "rank-0000.h5");
  EXPECT_EQ(newest(folder.path()), 1);
}

TEST(CheckpointFolder, SaysOnceWhatItTakesInstead) {
  const ScratchFolder folder;
  for (const std::int64_t step : {1, 2, 3}) save(folder.path(), step);
  for (const char* damaged : {"step-00000002", "step-00000003"})
    flip_byte(folder / damaged / "rank-0000.h5");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(newest(folder.path()), 1);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("step-00000003/rank-0000.h5"), std::string::npos) << said;
  EXPECT_NE(said.find("step-00000002/rank-0000.h5"), std::string::npos) << said;
  EXPECT_NE(said.find("; step-00000001 is taken instead"), std::string::npos) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST(CheckpointFolder, DoesNotNeedLatest) {
  const ScratchFolder folder;
  save(folder.path(), 1);
  save(folder.path(), 2);
  for (const char* content : {"", "step-00000001\n", "step-99999999\n", "\xff\xfe"}) {
    std::ofstream(folder / "latest", std::ios::trunc) << content;
    EXPECT_EQ(newest(folder.path()), 2);
  }
  fs::remove(folder / "latest");
  EXPECT_EQ(newest(folder.path()), 2);
}

TEST(CheckpointFolder, NeverStartsAnewBecauseAllIsDamaged) {
  const ScratchFolder folder;
  save(folder.path(), 1);
  flip_byte(folder / "step-00000001" / "manifest.json");
  try {
    newest(folder.path());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kCorrupt);
  }
}

TEST(CheckpointFolder, ResumeClearsLeftoversAndSetsDamagedCommitsAside) {
  const ScratchFolder folder;
  save(folder.path(), 1);
  save(folder.path(), 2);
  flip_byte(folder / "step-00000002" / "rank-0000.h5");
  fs::create_directory(folder / ".step-00000003.tmp");
  std::ofstream(folder / ".step-00000003.tmp" / "rank-0000.h5") << "half";
  std::ofstream(folder / ".latest.elsewhere@1-1.tmp") << "step";
  std::ofstream(folder / "notes.txt") << "mine";
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    EXPECT_EQ(prepare_resume(folder.path(), *group), folder / "step-00000001");
  });
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"latest", "notes.txt", "step-00000001",
                                             "step-00000002.damaged"}));
}

TEST(CheckpointFolder, AUserMayNameACommitARunOrItsCheckpoints) {
  const ScratchFolder run;
  const auto group = solo_group();
  save(run / "checkpoints", 5);
  const fs::path commit = run / "checkpoints/step-00000005";
  EXPECT_EQ(resolve_commit(commit, *group), commit);
  EXPECT_EQ(resolve_commit(run / "checkpoints", *group), commit);
  EXPECT_EQ(resolve_commit(run.path(), *group), commit);
  for (const fs::path& path : {run / "nothing", run / "checkpoints/latest"}) {
    try {
      resolve_commit(path, *group);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage) << error.what();
    }
  }
}

// As on a machine where the storage is not mounted. Who misses the commit finds out when it opens
// it; where rank 0 does, there is none.
TEST(CheckpointFolder, RankZeroSaysForAllWhetherThereIsACommit) {
  const ScratchFolder run;
  save(run / "here/checkpoints", 5);
  const fs::path name = "checkpoints/step-00000005";
  run_local_ranks(
      2,
      [&](const std::shared_ptr<Group>& group) {
        const auto seen_by = [&](int rank) {
          return run / (group->rank() == rank ? "here" : "bare");
        };
        EXPECT_EQ(resolve_commit(seen_by(0) / name, *group), seen_by(0) / name);
        const auto refused = [&](ExitCode code, const fs::path& path) {
          try {
            resolve_commit(path, *group);
            ADD_FAILURE() << "no error on rank " << group->rank();
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), code) << error.what();
          }
        };
        refused(ExitCode::kUsage, seen_by(1) / name);
        refused(ExitCode::kUsage, seen_by(1));
        refused(ExitCode::kCorrupt, seen_by(0));
      },
      /*time_limit_seconds=*/5);
}

TEST(CheckpointFolder, ARunThatIsNotThereMeansTheNearest) {
  const ScratchFolder runs;
  save(runs / "shapes/checkpoints", 5);
  try {
    resolve_commit(runs / "shapez", *solo_group());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean " + (runs / "shapes").string()),
              std::string::npos)
        << error.what();
  }
}

// A training removes old commits while others read them.
TEST(CheckpointFolder, ACommitThatARunRemovedIsNoDamage) {
  const ScratchFolder folder;
  save(folder.path(), 5);
  EXPECT_FALSE(was_removed(folder / "step-00000005"));
  EXPECT_FALSE(was_removed(folder / "step-00000007"));  // never was there
  EXPECT_TRUE(was_removed(folder / "step-00000004"));   // a newer one is
}

}  // namespace
}  // namespace muybridge
