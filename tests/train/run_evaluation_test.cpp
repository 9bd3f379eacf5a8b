// What evaluations may cost a run, and what they may not.
#include <numeric>

#include "data/media/video_reader.h"
#include "tests/train/training_run.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class RunEvaluation : public testing::TrainingRun {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(scratch_ / name, std::ios::binary) << text;
    return (scratch_ / name).string();
  }
  std::string last_clip(const std::string& name) const {
    return hash_file(run(name) / "samples/step-00000012/clip-000.mp4");
  }
};

TEST_F(RunEvaluation, ThatFailsCostsTheEvaluationOnly) {
  for (const int ranks : {1, 2}) {
    const std::string name = fmt::format("run-{}", ranks);
    fs::create_directories(run(name) / "samples");
    std::ofstream(run(name) / "samples/step-00000006") << "in the way";
    ASSERT_EQ(run_to_end(train(ranks, name, "eval.every=6 train.checkpoint_every=6")), 0) << log();
    EXPECT_TRUE(log_has("step 6: the evaluation failed")) << log();
    EXPECT_TRUE(log_has("1 evaluation failed")) << log();
    EXPECT_EQ(committed(name), 12);
    const std::vector<nlohmann::json> lines = metrics(name);
    ASSERT_EQ(lines.size(), 12U);
    EXPECT_TRUE(lines[5].contains("evaluation_error"));
    EXPECT_FALSE(lines[5].contains("validation_loss"));
    EXPECT_TRUE(lines[11].contains("validation_loss"));
  }
}

// Of ranks that share a model one writes; the others do not wait for it in vain.
TEST_F(RunEvaluation, ThatFailsOnTheRankThatWritesCostsTheEvaluationOnlyInAnyLayout) {
  for (const char* layout : {"parallel.tensor=2", "parallel.pipeline=2"}) {
    const std::string name = std::string(layout).substr(9, 6);
    fs::create_directories(run(name) / "samples/step-00000006/real-000.mp4/in the way");
    ASSERT_EQ(run_to_end(train(2, name,
                               fmt::format("train.steps=6 eval.every=6 'eval.prompts=' "
                                           "train.collective_timeout_seconds=20 {}",
                                           layout))),
              0)
        << log();
    EXPECT_TRUE(log_has("step 6: the evaluation failed")) << log();
    EXPECT_EQ(committed(name), 6);
  }
}

TEST_F(RunEvaluation, ThatWasCutOffAfterTheCommitIsMadeUpFor) {
  ASSERT_EQ(run_to_end(train(2, "run")), 0) << log();
  const std::string whole = result("run"), clip = last_clip("run");
  // As a kill during the last evaluation leaves it.
  const std::string content = read_file(run("run") / "metrics.jsonl");
  write_file_durably(run("run") / "metrics.jsonl",
                     content.substr(0, content.rfind('\n', content.size() - 2) + 1));
  fs::remove_all(run("run") / "samples/step-00000012");
  fs::remove(run("run") / "index.html");
  ASSERT_EQ(run_to_end(train(2, "run")), 0) << log();
  EXPECT_EQ(went_on_after(), 12);
  EXPECT_EQ(result("run"), whole);
  EXPECT_EQ(last_clip("run"), clip);
  EXPECT_TRUE(fs::exists(run("run") / "index.html"));
  // And once it is recorded it is not made again.
  fs::remove_all(run("run") / "samples/step-00000012");
  ASSERT_EQ(run_to_end(train(1, "run")), 0) << log();
  EXPECT_FALSE(fs::exists(run("run") / "samples/step-00000012"));
}

TEST_F(RunEvaluation, ThatIsKilledFindsTheStepCommitted) {
  testing::Job job(train(1, "run", "eval.steps=10000"), scratch_ / "log");
  job.wait_for(run("run") / "samples/step-00000012");
  job.wait_for(run("run") / "checkpoints/step-00000012");
  ASSERT_TRUE(job.running()) << log();
  ::kill(job.pid(), SIGKILL);
  EXPECT_EQ(job.wait(), 128 + SIGKILL);
  EXPECT_EQ(committed("run"), 12);
  EXPECT_EQ(metrics("run").size(), 11U) << "the step's line comes with its evaluation";
  ASSERT_EQ(run_to_end(train(1, "run", "eval.steps=2")), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "whole", "eval.steps=2")), 0) << log();
  EXPECT_EQ(result("run"), result("whole"));
  EXPECT_EQ(last_clip("run"), last_clip("whole"));
}

TEST_F(RunEvaluation, OfNoSamplesRendersNone) {
  ASSERT_EQ(run_to_end(train(1, "run", "eval.samples=0 eval.prompts=shapes train.steps=2")), 0)
      << log();
  EXPECT_TRUE(fs::is_empty(run("run") / "samples"));
  EXPECT_TRUE(metrics("run").back().contains("validation_loss"));
  ASSERT_EQ(run_to_end(train(1, "none", "eval.samples=0 eval.validation_clips=0 train.steps=2")), 0)
      << log();
  EXPECT_TRUE(metrics("none").back().at("validation_loss").is_null());
}

// A prompt keeps its seed however many others are rendered, and its place on any number of ranks.
TEST_F(RunEvaluation, EachPromptHasItsOwnSeedAndPlace) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=2 eval.samples=0")), 0) << log();
  using Clips = std::vector<std::tuple<std::string, int, std::string>>;
  const auto rendered = [&](const std::string& launcher, int samples) {
    EXPECT_EQ(run_to_end(fmt::format(
                  "{} {} evaluate {} 'eval.prompts=[a,b,c,d,e]' eval.seed=40 eval.samples={}",
                  launcher, kBinary, run("run").string(), samples)),
              0)
        << log();
    const fs::path folder = run("run") / "samples/step-00000002";
    Clips clips;
    const auto set = nlohmann::json::parse(read_file(folder / "samples.json"));
    for (const nlohmann::json& clip : set.at("clips")) {
      clips.emplace_back(clip.at("prompt"), clip.at("seed"), clip.at("file"));
      EXPECT_TRUE(fs::exists(folder / clip.at("file").get<std::string>()));
    }
    return clips;
  };
  const Clips some = {{"a", 40, "clip-000.mp4"}, {"c", 42, "clip-001.mp4"}};
  const Clips all = {{"a", 40, "clip-000.mp4"},
                     {"b", 41, "clip-001.mp4"},
                     {"c", 42, "clip-002.mp4"},
                     {"d", 43, "clip-003.mp4"},
                     {"e", 44, "clip-004.mp4"}};
  EXPECT_EQ(rendered("", 2), some);
  EXPECT_EQ(rendered("", 5), all);
  EXPECT_EQ(rendered("mpirun --oversubscribe -np 2", 5), all);
}

TEST_F(RunEvaluation, OfHeldOutCaptionsPutsTheirOwnClipsBesideTheMadeOnes) {
  ASSERT_EQ(run_to_end(train(2, "run", "train.steps=2 eval.prompts= eval.samples=3")), 0) << log();
  const fs::path folder = run("run") / "samples/step-00000002";
  const auto set = nlohmann::json::parse(read_file(folder / "samples.json"));
  ASSERT_EQ(set.at("clips").size(), 3U);
  const std::string page = read_file(run("run") / "index.html");
  for (const nlohmann::json& clip : set.at("clips")) {
    EXPECT_EQ(clip.at("source"), "held out");
    const auto real = clip.at("real").get<std::string>();
    const Frames shown = read_video(folder / real);
    EXPECT_EQ(shown.count, 8);
    // A corner shows the ground that the caption names.
    const int ground = 30 * (clip.at("prompt").get<std::string>().back() - '0');
    EXPECT_NEAR(shown.rgb.front(), ground, 6) << clip;
    EXPECT_NE(page.find(real), std::string::npos);
  }
}

TEST_F(RunEvaluation, HasTheSamePromptsHoweverTheirFileWasSaved) {
  const std::string plain = write("plain.txt", "a red circle\n");
  const std::string odd = write("odd.txt", "\xEF\xBB\xBF# of Windows\r\n\r\na red circle\r\n");
  ASSERT_EQ(run_to_end(train(1, "plain", "eval.prompts=" + plain)), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "odd", "eval.prompts=" + odd)), 0) << log();
  EXPECT_EQ(last_clip("plain"), last_clip("odd"));
}

// Training's own evaluation, the commit's averaged weights, and the raw ones, which are others.
TEST_F(RunEvaluation, MeasuresAndRendersTheAveragedWeights) {
  ASSERT_EQ(run_to_end(train(1, "run", "optimizer.ema_decay=0.8 optimizer.ema_warmup=false")), 0)
      << log();
  const auto frames = [&] {
    return read_video(run("run") / "samples/step-00000012/clip-000.mp4").rgb;
  };
  const auto loss_of_report = [&] {
    const auto report = nlohmann::json::parse(read_file(run("run") / "report.json"));
    const auto losses = report.at("validation_loss").get<std::vector<double>>();
    return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
  };
  const double trained = metrics("run").back().at("validation_loss");
  const std::vector<std::uint8_t> rendered = frames();
  const std::string evaluate = fmt::format("{} evaluate {} ", kBinary, run("run").string());
  ASSERT_EQ(run_to_end(evaluate + "--ema"), 0) << log();
  EXPECT_NEAR(loss_of_report() / trained, 1, 1e-6);
  EXPECT_EQ(frames(), rendered);
  ASSERT_EQ(run_to_end(evaluate + "--raw"), 0) << log();
  EXPECT_GT(std::abs(loss_of_report() / trained - 1), 1e-3);
  EXPECT_NE(frames(), rendered);
}

// Of that step and no other, also where the gallery shows it.
TEST_F(RunEvaluation, TheGalleryAndTheRecordsShowTheStepsOwnMetrics) {
  ASSERT_EQ(run_to_end(train(1, "run", "eval.every=4")), 0) << log();
  const std::vector<nlohmann::json> lines = metrics("run");
  ASSERT_EQ(lines.size(), 12U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto step = static_cast<double>(i + 1);
    EXPECT_EQ(lines[i].at("step"), i + 1);
    EXPECT_NEAR(lines[i].at("learning_rate"), 3e-3 * std::min(1.0, step / 5), 1e-12) << i;
    EXPECT_EQ(lines[i].contains("validation_loss"), (i + 1) % 4 == 0) << i;
  }
  const auto shown = [](const nlohmann::json& line) {
    return fmt::format("on held-out clips <b>{:.3g}</b>", line.at("validation_loss").get<double>());
  };
  ASSERT_NE(shown(lines[11]), shown(lines[7]));
  const std::string page = read_file(run("run") / "index.html");
  EXPECT_NE(page.find("step <b>12</b>"), std::string::npos);
  EXPECT_NE(page.find(shown(lines[11])), std::string::npos) << "wanted: " << shown(lines[11]);
  const auto report = nlohmann::json::parse(read_file(run("run") / "report.json"));
  EXPECT_EQ(report.at("step"), 12);
}

// It computes with other weights meanwhile: also one that fails gives the training's back.
TEST_F(RunEvaluation, LeavesNoTraceInTheTraining) {
  fs::create_directories(run("failing") / "samples");
  std::ofstream(run("failing") / "samples/step-00000006") << "in the way";
  ASSERT_EQ(run_to_end(train(1, "failing", "eval.every=3")), 0) << log();
  EXPECT_TRUE(log_has("1 evaluation failed")) << log();
  ASSERT_EQ(run_to_end(train(1, "one", "eval.every=0")), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "none", "eval.every=0 eval.samples=0 eval.validation_clips=0")), 0)
      << log();
  for (const char* name : {"failing", "one"}) {
    EXPECT_EQ(losses(name), losses("none")) << name;
    EXPECT_EQ(weights(name), weights("none")) << name;
  }
}

// Nothing is written: the run's folder is not even made.
TEST_F(RunEvaluation, ThatCannotWorkIsRefusedBeforeTheFirstStep) {
  make_corpus(scratch_ / "large", 4, 64);
  const auto refused = [&](const std::string& overrides, const std::string& why) {
    EXPECT_EQ(run_to_end(train(1, "run", overrides)), 2) << overrides << log();
    EXPECT_TRUE(log_has(why)) << overrides << "\n" << log();
    EXPECT_FALSE(fs::exists(run("run"))) << overrides;
  };
  write("prompts.txt", "a\n");
  refused("eval.prompts=" + (scratch_ / "promts.txt").string(),
          "did you mean " + (scratch_ / "prompts.txt").string());
  refused("eval.prompts=" + write("latin.txt", "ok\nr\xF6t\n"), "latin.txt:2: byte 0xF6");
  refused("eval.prompts=" + write("empty.txt", "\n"), "no prompt in it");
  refused("data.validation=" + (scratch_ / "large").string(), "the budget of a micro-batch is 128");
  refused("model.channels=4", "4 channels");
}

TEST_F(RunEvaluation, ThatCannotBeWrittenIsRefusedBeforeTheFirstStep) {
  fs::create_directories(run("run"));
  std::ofstream(run("run") / "samples") << "in the way";
  for (const int ranks : {1, 2}) {
    EXPECT_EQ(run_to_end(train(ranks, "run")), 74) << log();
    EXPECT_TRUE(log_has("samples")) << log();
  }
  EXPECT_FALSE(fs::exists(run("run") / "metrics.jsonl"));
}

TEST_F(RunEvaluation, ShowsItsClipsInTensorBoardToo) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=2")), 0) << log();
  std::string events;
  for (const auto& file : fs::recursive_directory_iterator(run("run") / "tensorboard"))
    if (file.is_regular_file()) events += read_file(file.path());
  EXPECT_NE(events.find("GIF89a"), std::string::npos);
  ASSERT_EQ(run_to_end(train(1, "none", "train.steps=2 eval.samples=0")), 0) << log();
  events.clear();
  for (const auto& file : fs::recursive_directory_iterator(run("none") / "tensorboard"))
    if (file.is_regular_file()) events += read_file(file.path());
  EXPECT_EQ(events.find("GIF89a"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
