#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/system/file.h"
#include "model/safetensors.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;

struct Result {
  int code = -1;
  std::string out;
  std::string err;
};

// A run with commits of steps 1 and 2 by two ranks.
class CheckpointCommand : public ::testing::Test {
 protected:
  CheckpointCommand() {
    run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
      const Parameters parameters = sample_parameters();
      for (const std::int64_t step : {1, 2}) {
        TrainState state = sample_state(parameters, step, group->rank(), 2);
        state.config =
            "run:\n  name: x\ndata:\n  train: p\nmodel:\n  patch: [1, 2, 2]\ntrain:\n  steps: 9\n";
        save_checkpoint(checkpoints(), state, *group);
      }
    });
  }

  std::filesystem::path checkpoints() const { return folder_ / "run/checkpoints"; }
  std::string run_folder() const { return (folder_ / "run").string(); }

  void damage(std::int64_t step, const std::string& file, std::uint64_t at = 100) const {
    const std::filesystem::path path = checkpoints() / commit_name(step) / file;
    std::string content = read_file(path);
    content[at] ^= 2;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  Result run(const std::string& arguments) const {
    const std::string out = folder_ / "out", err = folder_ / "err";
    const int status = std::system(
        fmt::format("{} checkpoint {} >{} 2>{}", MUYBRIDGE_BINARY, arguments, out, err).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)};
  }

  ScratchFolder folder_;
};

TEST_F(CheckpointCommand, ListsCommitsOldestFirst) {
  const Result result = run("list --json " + run_folder());
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = nlohmann::json::parse(result.out);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["step"], 1);
  EXPECT_EQ(rows[1]["ranks"], 2);
  EXPECT_EQ(rows[1]["path"], (checkpoints() / commit_name(2)).string());
  EXPECT_NE(run("list " + run_folder()).out.find("step-00000001"), std::string::npos);
}

TEST_F(CheckpointCommand, ShowsTheNewestOfARun) {
  const Result result = run("show --json " + run_folder());
  ASSERT_EQ(result.code, 0) << result.err;
  const auto shown = nlohmann::json::parse(result.out);
  EXPECT_EQ(shown["step"], 2);
  EXPECT_EQ(shown["elements"], 24 * 12 + 24 + 6 * 24 + 72 * 24 + 1 + 13 * 7 * 3);
  EXPECT_EQ(shown["loader_position"]["clip"], 6);
  EXPECT_NE(run("show " + run_folder()).out.find("patch_embedding.weight  [24, 12]"),
            std::string::npos);
}

TEST_F(CheckpointCommand, VerifyExits65AndNamesFileAndTensor) {
  EXPECT_EQ(run("verify " + run_folder()).code, 0);
  damage(1, "manifest.json");
  const StoredPiece piece = read_manifest(checkpoints() / commit_name(2)).files[1].pieces[3];
  damage(2, "rank-0001.h5", piece.offset);
  const Result result = run("verify " + run_folder());
  EXPECT_EQ(result.code, 65);
  EXPECT_NE(result.out.find("step-00000001/manifest.json is damaged"), std::string::npos);
  EXPECT_NE(result.out.find(fmt::format("rank-0001.h5 is damaged in {} of {}", name_of(piece.kind),
                                        piece.name)),
            std::string::npos)
      << result.out;
  const auto rows = nlohmann::json::parse(run("verify --json " + run_folder()).out);
  EXPECT_EQ(rows[0]["whole"], false);
  EXPECT_EQ(run("verify " + (checkpoints() / commit_name(2)).string()).code, 65);
}

TEST_F(CheckpointCommand, ExportsWhatOthersRead) {
  const std::string out = folder_ / "w.safetensors";
  const Result result = run("export " + run_folder() + " " + out + " --dtype bf16");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, out + "\n");
  const SafetensorsReader file(out);
  EXPECT_EQ(file.find("patch_embedding.weight")->shape,
            (std::vector<std::int64_t>{24, 3, 1, 2, 2}));
  EXPECT_EQ(file.find("blocks.0.attn1.to_q.weight")->dtype, "BF16");
  EXPECT_EQ(file.metadata().at("muybridge_weights"), "ema");
}

TEST_F(CheckpointCommand, NeverExportsFromADamagedCommit) {
  // Of the averaged weights, which are exported.
  const std::vector<StoredPiece> pieces =
      read_manifest(checkpoints() / commit_name(2)).files[0].pieces;
  damage(2, "rank-0000.h5", std::ranges::find(pieces, StateKind::kEma, &Piece::kind)->offset);
  const std::string out = folder_ / "w.safetensors";
  EXPECT_EQ(run("export " + (checkpoints() / commit_name(2)).string() + " " + out).code, 65);
  EXPECT_FALSE(std::filesystem::exists(out));
  // Of a run it takes the newest that is whole, and says so.
  const Result result = run("export " + run_folder() + " " + out);
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.err.find("rank-0000.h5 is damaged"), std::string::npos) << result.err;
  EXPECT_EQ(SafetensorsReader(out).metadata().at("muybridge_step"), "1");
}

TEST_F(CheckpointCommand, MistakesAreUsageErrors) {
  EXPECT_EQ(run("list " + (folder_ / "nothing").string()).code, 2);
  EXPECT_EQ(run("export " + run_folder()).code, 2);
  EXPECT_EQ(run("export " + run_folder() + " x --dtype f16").code, 2);
  EXPECT_EQ(run("export " + run_folder() + " x --raw --ema").code, 2);
  EXPECT_EQ(run("").code, 0) << "the help";
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_EQ(run("export " + run_folder() + " " + (folder_ / "no/such/folder/x").string()).code, 74);
}

}  // namespace
}  // namespace muybridge
