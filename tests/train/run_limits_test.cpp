// What a run takes of its machine, and what it says where there is no more.
#include <algorithm>

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

class RunLimits : public testing::TrainingRun {
 protected:
  // Captions of 200 lengths, which a cache that keeps something for each would fill up with.
  static void make_corpus_of_many_lengths(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    ShardWriter writer(folder, 0, "{}");
    for (std::size_t i = 0; i < 400; ++i) {
      ClipRecord record;
      record.caption = std::string(1 + i * 7 % 400, 'x');
      record.source = fmt::format("clip-{}.mp4", i);
      record.split = "train";
      record.frames = 4;
      record.height = record.width = 8;
      const std::vector<std::uint8_t> pixels(record.bytes(), static_cast<std::uint8_t>(i));
      writer.add(record, pixels.data());
    }
    writer.commit();
    CorpusIndex::build(folder);
  }

  // By the report.
  double peak_megabytes(const std::string& name) const {
    return nlohmann::json::parse(read_file(run(name) / "report.json"))
               .at("peak_memory_bytes")
               .get<double>() /
           1e6;
  }
  static double resident_megabytes(pid_t process) {
    std::ifstream status(fmt::format("/proc/{}/status", process));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
    return 0;
  }
};

TEST_F(RunLimits, MemoryIsConstantOverTheSteps) {
  make_corpus_of_many_lengths(scratch_ / "lengths");
  testing::Job job(train(1, "run",
                         "train.steps=1000000 train.checkpoint_every=0 data.caption_drop=0 "
                         "batch.tokens=32 batch.micro_batches=1 eval.validation_clips=0 "
                         "eval.samples=0 data.train=" +
                             (scratch_ / "lengths").string()),
                   scratch_ / "log");
  job.wait_for_lines(run("run") / "metrics.jsonl", 400);
  const double early = resident_megabytes(job.pid());
  job.wait_for_lines(run("run") / "metrics.jsonl", 2000);
  const double late = resident_megabytes(job.pid());
  ASSERT_TRUE(job.running()) << log();
  ASSERT_GT(early, 10);
  EXPECT_LT(late, 1.02 * early + 1) << "from " << early << " MB after 400 steps";
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A process inherits that of the one which started it, in what the system counts by itself.
TEST_F(RunLimits, TheMemoryThatIsReportedIsThatOfTheRunAlone) {
  const std::vector<char> held(std::size_t{1} << 30, 1);
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=1 eval.samples=0")), 0) << log();
  EXPECT_EQ(std::ranges::count(held, 1), std::ssize(held));
  EXPECT_LT(peak_megabytes("run"), 800);
}

// What is free in the pool goes back to the system before an evaluation and after it: the blocks of
// either do not fit the other.
TEST_F(RunLimits, WhatStepsNeedAndWhatEvaluationsNeedIsNotHeldAtOneTime) {
  const std::string model =
      "model.width=64 model.mlp_width=2048 model.depth=1 batch.micro_batches=1 ";
  const std::string large = model + "batch.tokens=4096 train.checkpoint_every=0 ";
  const std::string no_evaluation = "eval.samples=0 eval.validation_clips=0 train.steps=2 ";
  const auto peak = [&](const std::string& name, const std::string& command) {
    std::filesystem::remove(run(name) / "report.json");
    EXPECT_EQ(run_to_end(command), 0) << log();
    return peak_megabytes(name);
  };
  const double base = peak("tiny", train(1, "tiny", no_evaluation + "batch.tokens=64"));
  const double steps = peak("steps", train(1, "steps", large + no_evaluation));
  // The second evaluation comes behind steps that come behind one.
  const double both =
      peak("both", train(1, "both",
                         large + "train.steps=4 eval.every=2 eval.validation_clips=0 "
                                 "eval.samples=3 'eval.prompts=[a,b,c]' "
                                 "eval.frames=16 eval.size=32x32 eval.steps=1"));
  const double evaluation =
      peak("both", fmt::format("{} evaluate {}", kBinary, run("both").string()));
  const double less = std::min(steps, evaluation) - base;
  EXPECT_GT(less, 30) << "too little to see: " << steps << ", " << evaluation << " over " << base;
  EXPECT_LT(both, std::max(steps, evaluation) + 0.75 * less)
      << steps << " MB for steps, " << evaluation << " for an evaluation, " << base
      << " for neither";
}
#endif

TEST_F(RunLimits, AFullDiskIsSaidInAFewLines) {
  const std::string command = train(1, "run", "train.steps=4 train.checkpoint_every=2");
  EXPECT_EQ(run_to_end("sh -c \"trap '' XFSZ; ulimit -f 200; exec " + command + "\""), 74) << log();
  const std::string text = log();
  EXPECT_NE(text.find("File too large"), std::string::npos) << text;
  EXPECT_EQ(text.find("HDF5-DIAG"), std::string::npos) << text;
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 12) << text;
}

}  // namespace
}  // namespace muybridge
