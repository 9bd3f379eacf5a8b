// No option is read and ignored: for each key of the configuration, what a run does differently
// when it is changed, or how it is refused.
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "tests/train/training_run.h"
#include "train/config.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/resume.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class Options : public testing::TrainingRun {
 protected:
  struct Case {
    std::string key;
    std::string value;
    // Whether the run "changed", whose exit code is given, shows it.
    std::function<bool(const Options&, int code)> shows;
    std::string context;  // other settings, under which the key matters
  };

  // The losses or the weights are others than those of a run without the setting.
  static bool trains_otherwise(const Options& test, int code) {
    return code == 0 && test.result("changed") != test.result("base");
  }
  // The clips are others, and what was trained is the same.
  static bool renders_otherwise(const Options& test, int code) {
    return code == 0 && test.clip("changed") != test.clip("base") &&
           test.result("changed") == test.result("base");
  }
  static bool measures_otherwise(const Options& test, int code) {
    return code == 0 && test.metrics("changed").back().at("validation_loss") !=
                            test.metrics("base").back().at("validation_loss");
  }
  static auto refused(const std::string& why) {
    return [why](const Options& test, int code) { return code == 2 && test.log_has(why); };
  }
  static auto says(const std::string& text, int expected = 0) {
    return [=](const Options& test, int code) { return code == expected && test.log_has(text); };
  }
  static auto leaves(const std::string& path) {
    return [=](const Options& test, int code) {
      return code == 0 && fs::exists(test.scratch_ / path) &&
             !fs::exists(test.run("base") / fs::path(path).lexically_relative("changed"));
    };
  }
  // For what changes speed and memory and nothing that a run leaves.
  template <class Get>
  auto hands_on(const Get& get) const {
    return [this, get](const Options&, int code) {
      const auto of = [&](const char* name) {
        return get(load_train_config(run(name) / "config.yaml"));
      };
      return code == 0 && of("changed") != of("base");
    };
  }

  std::vector<Case> cases() const;
  void check(const std::string& section) {
    make_corpus(scratch_ / "other", 20, 16);
    for (const Case& each : cases()) {
      if (each.key.substr(0, each.key.find('.')) != section) continue;
      for (const char* name : {"base", "changed"}) fs::remove_all(run(name));
      const auto train_one = [&](const char* name, const std::string& overrides) {
        return run_to_end(section == "autoencoder" ? train_autoencoder(1, name, overrides)
                                                   : train(1, name, overrides));
      };
      ASSERT_EQ(train_one("base", kBase + each.context), 0) << log();
      const int code = train_one(
          "changed", fmt::format("{}{} '{}={}'", kBase, each.context, each.key, each.value));
      EXPECT_TRUE(each.shows(*this, code)) << each.key << " exit " << code << "\n" << log();
    }
  }

  std::string clip(const std::string& name) const {
    return hash_file(run(name) / "samples/step-00000003/clip-000.mp4");
  }

  inline static const std::string kBase =
      "train.steps=3 train.checkpoint_every=0 optimizer.warmup_steps=1 eval.samples=1 ";
};

std::vector<Options::Case> Options::cases() const {
  const std::string other = (scratch_ / "other").string();
  return {
      {"device", "cuda", refused("device=cuda: "), ""},
      {"device", "shared-cuda", refused("device=shared-cuda: "), ""},
      {"threads", "2", says("of 2 threads"), ""},
      {"run.name", "renamed",
       [](const Options& test, int) {
         return read_file(test.run("changed") / "index.html").find("renamed") != std::string::npos;
       },
       ""},
      {"run.folder", (scratch_ / "elsewhere").string(),
       [this](const Options&, int code) {
         return code == 0 && fs::exists(scratch_ / "elsewhere/checkpoints");
       },
       ""},
      {"data.train", other, trains_otherwise, ""},
      {"data.validation", other, measures_otherwise, "eval.validation_clips=9"},
      {"data.frames_max", "4", trains_otherwise, ""},
      {"data.max_caption_bytes", "3", trains_otherwise, ""},
      {"data.caption_drop", "1", trains_otherwise, ""},
      {"data.threads", "3",
       hands_on([](const TrainConfig& config) { return loader_options(config).threads; }), ""},
      {"data.prefetch", "5",
       hands_on([](const TrainConfig& config) { return loader_options(config).prefetch; }), ""},
      {"model.kind", "autoencoder", refused("model.width: says nothing to an autoencoder"), ""},
      {"model.channels", "4", refused("4 channels"), ""},
      {"model.patch", "[1, 4, 8]", trains_otherwise, ""},
      {"model.width", "48", trains_otherwise, ""},
      {"model.depth", "1", trains_otherwise, ""},
      {"model.heads", "4", trains_otherwise, ""},
      {"model.mlp_width", "32", trains_otherwise, ""},
      {"model.head_mlp_width", "24", trains_otherwise, ""},
      {"model.text_width", "32", trains_otherwise, ""},
      {"model.text_depth", "2", trains_otherwise, ""},
      {"model.text_heads", "1", trains_otherwise, ""},
      {"model.prediction", "clean", trains_otherwise, ""},
      {"model.sine_positions", "false", trains_otherwise, ""},
      {"model.rope_theta", "50", trains_otherwise, ""},
      {"model.eps", "0.1", trains_otherwise, ""},
      {"model.recompute", "attention",
       hands_on([](const TrainConfig& config) { return dit_options(config).recompute; }), ""},
      {"autoencoder.latent_channels", "3", trains_otherwise, ""},
      {"autoencoder.width", "6", trains_otherwise, ""},
      {"autoencoder.multiples", "[1, 3]", trains_otherwise, ""},
      {"autoencoder.frame_halvings", "0", trains_otherwise, ""},
      {"autoencoder.blocks", "2", trains_otherwise, ""},
      {"autoencoder.divergence_weight", "0.5", trains_otherwise, ""},
      {"flow.timesteps", "uniform", trains_otherwise, ""},
      {"flow.shift", "1", trains_otherwise, ""},
      {"flow.mean", "1", trains_otherwise, ""},
      {"flow.std", "2", trains_otherwise, ""},
      {"batch.tokens", "256", trains_otherwise, ""},
      {"batch.micro_batches", "2", trains_otherwise, ""},
      {"optimizer.matrices", "muon", trains_otherwise, ""},
      {"optimizer.learning_rate", "1e-3", trains_otherwise, ""},
      {"optimizer.warmup_steps", "3", trains_otherwise, ""},
      {"optimizer.schedule", "cosine", trains_otherwise, ""},
      {"optimizer.min_learning_rate", "1e-3", trains_otherwise, "optimizer.schedule=linear"},
      {"optimizer.beta1", "0.5", trains_otherwise, ""},
      {"optimizer.beta2", "0.5", trains_otherwise, ""},
      {"optimizer.eps", "0.01", trains_otherwise, ""},
      {"optimizer.matrix_rate", "2", trains_otherwise, "optimizer.matrices=muon"},
      {"optimizer.momentum", "0.5", trains_otherwise, "optimizer.matrices=muon"},
      {"optimizer.weight_decay", "0.5", trains_otherwise, ""},
      {"optimizer.clip_norm", "0.01", trains_otherwise, ""},
      {"optimizer.ema_decay", "0.1", trains_otherwise, ""},
      {"optimizer.ema_warmup", "false", trains_otherwise, ""},
      {"train.steps", "5",
       [](const Options& test, int code) {
         return code == 0 && test.metrics("changed").size() == 5;
       },
       ""},
      {"train.seed", "4", trains_otherwise, ""},
      {"train.precision", "bf16", trains_otherwise, ""},
      {"train.linear", "fp8", trains_otherwise, "model.width=32"},
      {"train.linear", "fp8", refused("train.linear: fp8 wants widths"), ""},
      {"train.log_every", "1", says("step 1/3"), ""},
      {"train.checkpoint_every", "2", leaves("changed/checkpoints/step-00000002"), ""},
      {"train.keep_checkpoints", "3", leaves("changed/checkpoints/step-00000001"),
       "train.checkpoint_every=1"},
      {"train.commit", "wait",
       hands_on([](const TrainConfig& config) { return committer_options(config, {}, 1).behind; }),
       ""},
      {"train.resume", "never", refused("train.resume=never"),
       "run.folder=" + run("base").string()},
      {"train.init_from", run("base").string(), says("weights from"), ""},
      {"train.max_seconds", "1e-6", says("stopped after", 75), ""},
      {"train.liveness_seconds", "0", refused("above 0"), ""},             // obeyed: see below
      {"train.collective_timeout_seconds", "-1", refused("above 0"), ""},  // obeyed: see below
      {"eval.every", "2", leaves("changed/samples/step-00000002"), ""},
      {"eval.prompts", "[a blue square]", renders_otherwise, ""},
      {"eval.samples", "2", leaves("changed/samples/step-00000003/clip-001.mp4"),
       "eval.prompts=[a,b]"},
      {"eval.steps", "3", renders_otherwise, ""},
      {"eval.solver", "heun", renders_otherwise, ""},
      {"eval.guidance", "1", renders_otherwise, ""},
      {"eval.shift", "1", renders_otherwise, ""},
      {"eval.seed", "5",
       [](const Options& test, int code) {
         return measures_otherwise(test, code) && test.clip("changed") != test.clip("base");
       },
       ""},
      {"eval.frames", "4", renders_otherwise, ""},
      {"eval.size", "8x8", renders_otherwise, ""},
      {"eval.fps", "4", renders_otherwise, ""},
      {"eval.upscale", "1", renders_otherwise, ""},
      {"eval.validation_clips", "2", measures_otherwise, ""},
      {"trace.steps", "2", leaves("changed/trace/steps-00000002-00000003.json"), ""},
      {"parallel.data", "2", refused("needs 2 ranks"), ""},
      {"parallel.tensor", "2", refused("needs 2 ranks"), ""},
      {"parallel.context", "2", refused("needs 2 ranks"), ""},
      {"parallel.context_method", "ring", refused("parallel.context_method"), ""},
      {"parallel.ring", "2", refused("parallel.ring"), ""},
      {"parallel.pipeline", "2", refused("needs 2 ranks"), ""},
      // One rank has nobody to divide with: the run is the same (tests/train/train_step_test.cpp
      // and bench/layouts.py have those with several).
      {"parallel.zero", "3",
       [](const Options& test, int code) {
         const auto zero = [&](const char* name) {
           return nlohmann::json::parse(read_file(test.run(name) / "environment.json"))
               .at("layout")
               .at("zero");
         };
         const auto loss = [&](const char* name) {
           return test.metrics(name).back().at("loss").get<double>();
         };
         return code == 0 && zero("changed") == 3 && zero("base") == 0 &&
                std::abs(loss("changed") / loss("base") - 1) < 1e-6;
       },
       ""},
      {"parallel.schedule", "zb_v", refused("parallel.schedule"), ""},
      {"parallel.virtual_stages", "3", refused("parallel.virtual_stages"), ""},
      {"parallel.order", "tensor-data", refused("'tensor-data' is no order"), ""},  // see below
  };
}

TEST_F(Options, AreAllTried) {
  std::set<std::string> known, tried;
  for (const ConfigValue& each : values_of(TrainConfig())) known.insert(each.key);
  for (const Case& each : cases()) tried.insert(each.key);
  EXPECT_EQ(tried, known);
}

TEST_F(Options, TheDeviceIsRefusedWhereThereIsNone) { check("device"); }
TEST_F(Options, TheThreadsAreObeyed) { check("threads"); }
TEST_F(Options, OfRunAreObeyed) { check("run"); }
TEST_F(Options, OfDataAreObeyed) { check("data"); }
TEST_F(Options, OfModelAreObeyedOrRefused) { check("model"); }
TEST_F(Options, OfAutoencoderAreObeyed) { check("autoencoder"); }
TEST_F(Options, OfFlowAreObeyed) { check("flow"); }
TEST_F(Options, OfBatchAreObeyed) { check("batch"); }
TEST_F(Options, OfOptimizerAreObeyed) { check("optimizer"); }
TEST_F(Options, OfTrainAreObeyed) { check("train"); }
TEST_F(Options, OfEvalAreObeyed) { check("eval"); }
TEST_F(Options, OfTraceLeaveATimeline) { check("trace"); }
TEST_F(Options, OfParallelAreRefusedWhereTheyCannotBeObeyed) { check("parallel"); }

// Who holds what changes, and nothing that is computed.
TEST_F(Options, TheOrderOfRanksIsTheOneThatIsAskedFor) {
  const auto pieces_of_rank_one = [&](const char* name) {
    const Manifest manifest = read_manifest(list_commits(run(name) / "checkpoints").back().path);
    std::string text;
    for (const StoredPiece& piece : manifest.files.at(1).pieces)
      if (piece.kind == StateKind::kMaster)
        text += fmt::format("{} {}\n", piece.name, piece.slice.begin);
    return text;
  };
  const std::string layout = kBase + "parallel.tensor=2 batch.micro_batches=2 ";
  ASSERT_EQ(run_to_end(train(4, "base", layout)), 0) << log();
  ASSERT_EQ(run_to_end(train(4, "changed", layout + "parallel.order=data-tensor-context-pipeline")),
            0)
      << log();
  EXPECT_TRUE(log_has("data-tensor-context-pipeline")) << log();
  EXPECT_EQ(weights("changed"), weights("base"));
  EXPECT_NE(pieces_of_rank_one("changed"), pieces_of_rank_one("base"));
}

// What the stages did is what the schedule says, by the run's timeline.
TEST_F(Options, TheScheduleIsTheOneThatIsAskedFor) {
  for (const std::string words :
       {"1f1b", "gpipe", "zb_h1", "zb_v", "interleaved parallel.virtual_stages=2",
        "interleaved parallel.virtual_stages=3", "tuned"}) {
    const std::string name = words.substr(0, words.find(' ')) + words.substr(words.size() - 1);
    ASSERT_EQ(run_to_end(train(2, name,
                               "parallel.pipeline=2 batch.micro_batches=4 model.depth=6 "
                               "train.steps=2 trace.steps=1 parallel.schedule=" +
                                   words)),
              0)
        << log();
    const auto trace =
        nlohmann::json::parse(read_file(run(name) / "trace/steps-00000002-00000002.json"));
    std::vector<std::vector<std::pair<double, std::string>>> done(2);
    for (const auto& event : trace.at("traceEvents")) {
      const auto what = event.at("name").get<std::string>();
      if (event.at("ph") == "X" && std::string("FBIW").find(what[0]) != std::string::npos &&
          what.size() > 1 && std::isdigit(static_cast<unsigned char>(what[1])))
        done[event.at("pid").get<std::size_t>()].emplace_back(event.at("ts").get<double>(), what);
    }
    const PipelineSchedule schedule =
        schedule_of(load_train_config(run(name) / "config.yaml"), /*micro_batches=*/4);
    for (std::size_t rank = 0; rank < 2; ++rank) {
      std::vector<std::string> wanted, got;
      for (const Action& action : schedule.ranks[rank])
        if (action.computes()) wanted.push_back(to_string(action));
      std::ranges::sort(done[rank]);
      for (const auto& [at, what] : done[rank]) got.push_back(what);
      EXPECT_EQ(got, wanted) << words << ", rank " << rank;
    }
  }
}

TEST_F(Options, LivenessEndsARunWhoseRankIsStoppedAndEveryOtherLogsWhereItIs) {
  testing::Job job(train(3, "run", "train.steps=100000 train.liveness_seconds=1.5"),
                   scratch_ / "log");
  job.wait_for_lines(run("run") / "metrics.jsonl", 2);
  ASSERT_EQ(job.children().size(), 3U);
  const pid_t stopped = job.children().back();
  ::kill(stopped, SIGSTOP);
  job.wait_for_log("no sign of life for 1.5 s");
  // mpirun waits for the stopped one, which only SIGKILL reaches.
  ::kill(stopped, SIGKILL);
  EXPECT_NE(job.wait(), 0);
  for (const char* rank : {"0000", "0001"}) {
    const std::string own = read_file(run("run") / fmt::format("logs/rank-{}.log", rank));
    EXPECT_NE(own.find("rank 2 on "), std::string::npos) << own;
    EXPECT_NE(own.find("This rank's own thread is in"), std::string::npos) << own;
    EXPECT_NE(own.find("muybridge::TrainStep::run"), std::string::npos) << own;
  }
}

// While one rank evaluates for longer than its liveness the others wait: nobody is lost.
TEST_F(Options, LivenessLeavesALongEvaluationAlone) {
  EXPECT_EQ(run_to_end(train(2, "run",
                             "train.steps=8 eval.every=8 eval.samples=1 eval.steps=4000 "
                             "train.liveness_seconds=1")),
            0)
      << log();
  const auto report = nlohmann::json::parse(read_file(run("run") / "report.json"));
  EXPECT_GT(report.at("wall_seconds").at("evaluate").get<double>(), 1) << "no test of it";
  EXPECT_FALSE(log_has("lost")) << log();
}

TEST_F(Options, TheTimeLimitOfCollectivesEndsARunWhoseRankIsSilent) {
  testing::Job job(train(2, "run", "train.steps=100000 train.collective_timeout_seconds=0.5"),
                   scratch_ / "log");
  job.wait_for_lines(run("run") / "metrics.jsonl", 2);
  ASSERT_FALSE(job.children().empty());
  const pid_t silent = job.children().back();
  ::kill(silent, SIGSTOP);
  // mpirun waits for the stopped one, which only SIGKILL reaches.
  job.wait_for_log("nothing from rank");
  ::kill(silent, SIGKILL);
  EXPECT_NE(job.wait(), 0);
  EXPECT_TRUE(log_has("nothing from rank 1 of the job for 0.5 s")) << log();
}

}  // namespace
}  // namespace muybridge
