#include "train/checks/preflight.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/system/host_name.h"
#include "parallel/host/local_ranks.h"
#include "tests/data/temporary_corpus.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class Preflight : public TemporaryCorpus {
 protected:
  static std::string refusal(ExitCode code, const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    return "";
  }
  static std::string refusal(const std::function<void()>& work) {
    return refusal(ExitCode::kUsage, work);
  }
};

TEST_F(Preflight, RefusesLayoutsThatAreNotTheJobs) {
  TrainConfig config;
  EXPECT_EQ(refusal([&] { require_runnable(config, 3); }), "");
  config.parallel.data = 4;
  EXPECT_NE(refusal([&] { require_runnable(config, 2); }).find("needs 4 ranks, the job has 2"),
            std::string::npos);
  EXPECT_EQ(refusal([&] { require_runnable(config, 4); }), "");
  config.batch.micro_batches = 3;
  EXPECT_TRUE(require_runnable(config, 4).starts_with("1 of 4 ranks has nothing to do"));
  config.batch.micro_batches = 4;
  EXPECT_EQ(require_runnable(config, 4), "");
}

TEST_F(Preflight, RefusesADeviceThatThisProgramCannotTrainOn) {
  World alone;
  TrainConfig config;
  config.device = TrainConfig::DeviceChoice::kCpu;
  EXPECT_EQ(refusal([&] { take_device(config, alone); }), "");
  config.device = TrainConfig::DeviceChoice::kCuda;
  EXPECT_TRUE(refusal([&] { take_device(config, alone); }).starts_with("device=cuda: "));
  config.device = TrainConfig::DeviceChoice::kSharedCuda;
  EXPECT_TRUE(refusal([&] { take_device(config, alone); }).starts_with("device=shared-cuda: "));
}

TEST_F(Preflight, TellsWherePrecisionMakesItSlower) {
  TrainConfig config;
  Machine machine;
  EXPECT_EQ(slow_precision(config, machine), "");
  config.train.precision = TrainConfig::Precision::kBF16;
  EXPECT_NE(slow_precision(config, machine).find("train.precision=bf16"), std::string::npos);
  machine.native_bf16 = true;
  EXPECT_EQ(slow_precision(config, machine), "");
  config.train.linear = BlockProducts::kFp8;
  EXPECT_NE(slow_precision(config, machine).find("train.linear=fp8"), std::string::npos);
  config.device = TrainConfig::DeviceChoice::kCuda;
  EXPECT_EQ(slow_precision(config, machine), "");
}

TEST_F(Preflight, TellsHowManyPromptsAreNotRendered) {
  TrainConfig config;
  config.eval.frames = 8;
  config.eval.size = {.width = 16, .height = 16};
  config.eval.fps = 8;
  config.eval.prompts.list = {"a", "b", "c", "d", "e"};
  const auto said = [&](int samples) {
    config.eval.samples = samples;
    ::testing::internal::CaptureStderr();
    const EvaluationPrompts prompts = prepare_evaluation(config, nullptr, *solo_group());
    EXPECT_EQ(prompts.picked.size(), static_cast<std::size_t>(samples));
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(said(2).find("2 of 5 prompts are rendered, spread over them; for all of them set "
                         "eval.samples=5"),
            std::string::npos)
      << said(2);
  for (const int enough : {0, 5, 7}) EXPECT_EQ(said(enough), "");
}

TEST_F(Preflight, NamesTheNearestCorpus) {
  make({{.caption = "x"}});
  TrainConfig config;
  config.data.train = folder_.string();
  EXPECT_EQ(refusal([&] { open_corpora(config); }), "");
  config.data.train = folder_.string().substr(0, folder_.string().size() - 1) + "x";
  const std::string near = "; did you mean " + folder_.string() + "?";
  EXPECT_NE(refusal([&] { open_corpora(config); }).find(near), std::string::npos)
      << refusal([&] { open_corpora(config); });
  config.data.validation = config.data.train;
  config.data.train = folder_.string();
  EXPECT_TRUE(refusal([&] { open_corpora(config); }).starts_with("data.validation: "));
}

TEST_F(Preflight, RefusesAFolderThatCannotBeWrittenInto) {
  const fs::path good = folder_ / "good", file = folder_ / "file";
  fs::create_directories(good);
  std::ofstream(file) << "in the way";
  const auto refused = [&](const std::vector<fs::path>& folders) {
    return refusal(ExitCode::kIo, [&] { require_writable(folders, *solo_group()); });
  };
  EXPECT_EQ(refused({good, folder_}), "");
  EXPECT_TRUE(fs::is_empty(good));
  EXPECT_TRUE(refused({good, file}).starts_with(file.string())) << refused({good, file});
  EXPECT_TRUE(refused({folder_ / "gone"}).starts_with((folder_ / "gone").string()));
}

TEST_F(Preflight, RefusesWhereACommitHasNoRoom) {
  const RunFolder run{folder_};
  for (const fs::path& each : {run.checkpoints(), run.samples(), run.tensorboard()})
    fs::create_directories(each);
  EXPECT_EQ(refusal(ExitCode::kIo, [&] { require_room(run, 1000, 2, *solo_group()); }), "");
  EXPECT_NE(
      refusal(ExitCode::kIo, [&] { require_room(run, std::int64_t{1} << 60, 2, *solo_group()); })
          .find("make room first"),
      std::string::npos);
  EXPECT_TRUE(fs::is_empty(run.checkpoints()));
  fs::remove(run.samples());
  // On several ranks all learn of it.
  int refused = 0;
  std::mutex mutex;
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    const bool heard = !refusal(ExitCode::kIo, [&] { require_room(run, 1000, 2, *group); }).empty();
    const std::lock_guard lock(mutex);
    refused += heard ? 1 : 0;
  });
  EXPECT_EQ(refused, 3);
}

// As of a file that each machine has its own of.
TEST_F(Preflight, RefusesPromptsThatDifferOverRanks) {
  for (const char* name : {"0", "1"}) std::ofstream(folder_ / name) << "a cat\na dog " << name;
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    TrainConfig config;
    config.eval.frames = 8;
    config.eval.size = {.width = 16, .height = 16};
    config.eval.fps = 8;
    config.eval.prompts.text = (folder_ / "0").string();
    EXPECT_EQ(refusal([&] { prepare_evaluation(config, nullptr, *group); }), "");
    config.eval.prompts.text = (folder_ / std::to_string(group->rank())).string();
    EXPECT_NE(refusal([&] {
                prepare_evaluation(config, nullptr, *group);
              }).find("the hash of eval.prompts is "),
              std::string::npos);
  });
}

// As on a machine where the shared storage is not mounted.
TEST(SharedCorpus, IsMissedByTheMachineThatDoesNotSeeIt) {
  const testing::ScratchFolder folder;
  const std::filesystem::path here = folder / "here", bare = folder / "bare";
  for (const auto& each : {here, bare}) std::filesystem::create_directory(each);
  std::ofstream(here / "index.json") << "{}";
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    require_shared("data.train", here, *group);
    require_shared("data.train", bare, *group);  // nobody sees one: not for this to say
    try {
      require_shared("data.train", group->rank() == 1 ? bare : here, *group);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      EXPECT_NE(
          std::string(error.what())
              .find("data.train: no prepared corpus is in " + bare.string() + " on " + host_name()),
          std::string::npos)
          << error.what();
    }
  });
}

}  // namespace
}  // namespace muybridge
