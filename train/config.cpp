#include "train/config.h"

#include <fmt/format.h>

#include "config/reader.h"

namespace muybridge {
namespace {

constexpr ConfigLimits kCount{.at_least = 1};
constexpr ConfigLimits kCountOrNone{.at_least = 0};
constexpr ConfigLimits kPositive{.above = 0};
constexpr ConfigLimits kNotNegative{.at_least = 0};
constexpr ConfigLimits kShare{.at_least = 0, .at_most = 1};
constexpr ConfigLimits kDecay{.at_least = 0, .below = 1};
constexpr ConfigLimits kWidth{.at_least = 1, .at_most = 65536};
constexpr ConfigLimits kSmallCount{.at_least = 1, .at_most = 1024};

void describe(ConfigSection& to, TrainConfig::Run& run) {
  to.add_required("name", run.name, "name of the run: letters, digits, '-', '_' and '.'");
  to.add("folder", run.folder, "folder of the run; empty: runs/<name>");
}

void describe(ConfigSection& to, TrainConfig::Data& data) {
  to.add_required("train", data.train, "folder that 'muybridge prepare' wrote");
  to.add("validation", data.validation,
         "another such folder, all of it; empty: the held-out clips of train");
  to.add("frames_max", data.frames_max, "most frames of a clip that are used; 0: all",
         kCountOrNone);
  to.add("max_caption_bytes", data.max_caption_bytes,
         "text that the model reads; longer captions are cut, and counted at the start",
         {.at_least = 1, .at_most = 65536});
  to.add("caption_drop", data.caption_drop,
         "share of clips trained without caption, which guidance needs", kShare);
  to.add("threads", data.threads, "threads of a rank that read clips", kSmallCount);
  to.add("prefetch", data.prefetch, "micro-batches read ahead", kSmallCount);
}

void describe(ConfigSection& to, TrainConfig::Model& model) {
  to.add_choice("kind", model.kind, {"dit", "autoencoder"},
                "what is trained: a diffusion transformer, or a video autoencoder, of which the "
                "section autoencoder says the rest");
  to.add("channels", model.channels, "channels of a frame: 3 for pixels, 16 for Wan2.1 latents",
         kSmallCount);
  to.add("patch", model.patch, "frames, rows and columns that make one token", kSmallCount);
  to.add("width", model.width, "numbers that describe a token between blocks", kWidth);
  to.add("depth", model.depth, "blocks", kSmallCount);
  to.add("heads", model.heads, "attention heads; they divide width", kSmallCount);
  to.add("mlp_width", model.mlp_width, "hidden width of a block's MLP",
         {.at_least = 1, .at_most = 262144});
  to.add("head_mlp_width", model.head_mlp_width,
         "hidden width of an MLP beside the linear head; 0: none", kNotNegative);
  to.add("text_width", model.text_width, "width of the text encoder", kWidth);
  to.add("text_depth", model.text_depth, "blocks of the text encoder", kSmallCount);
  to.add("text_heads", model.text_heads, "its attention heads; they divide text_width",
         kSmallCount);
  to.add_choice("prediction", model.prediction, {"velocity", "clean"},
                "what the head says: the velocity (Wan2.1), or the clean clip, which small models "
                "and large patches need");
  to.add("sine_positions", model.sine_positions,
         "add sines of the place to the patches; rotary positions are always there");
  to.add("rope_theta", model.rope_theta, "longest wave of the rotary positions", kPositive);
  to.add("eps", model.eps, "added to variances in the norms", kPositive);
  to.add_choice(
      "recompute", model.recompute, {"none", "attention", "block"},
      "what backward makes again instead of keeping it: q, k and v, or whole blocks for a "
      "third more time (docs/layouts.md)",
      {{"false", static_cast<int>(Recompute::kNone)},
       {"true", static_cast<int>(Recompute::kBlock)}});
}

void describe(ConfigSection& to, TrainConfig::Autoencoder& autoencoder) {
  to.add("latent_channels", autoencoder.latent_channels, "numbers of a latent", kSmallCount);
  to.add("width", autoencoder.width, "channels at full size", kWidth);
  to.add("multiples", autoencoder.multiples,
         "channels of each level, in widths; from level to level sides are halved", kSmallCount);
  to.add("frame_halvings", autoencoder.frame_halvings,
         "how many of the steps between levels, from the last on, also halve the number of frames",
         kCountOrNone);
  to.add("blocks", autoencoder.blocks, "residual blocks of a level", kSmallCount);
  to.add("divergence_weight", autoencoder.divergence_weight,
         "how much latents are pulled to the standard normal, beside the squared error of pixels",
         kNotNegative);
}

void describe(ConfigSection& to, TrainConfig::Flow& flow) {
  to.add_choice("timesteps", flow.timesteps, {"logit_normal", "uniform"},
                "distribution of the noise levels that are trained");
  to.add("shift", flow.shift, "above 1: more training and sampling at high noise", kPositive);
  to.add("mean", flow.mean, "mean of the logit-normal", {.at_least = -10, .at_most = 10});
  to.add("std", flow.std, "standard deviation of the logit-normal", {.above = 0, .at_most = 10});
}

void describe(ConfigSection& to, TrainConfig::Batch& batch) {
  to.add("tokens", batch.tokens, "tokens of a micro-batch: clips of any size fill them",
         {.at_least = 1, .at_most = 1 << 30});
  to.add("micro_batches", batch.micro_batches, "micro-batches of a step, shared out to the ranks",
         {.at_least = 1, .at_most = 1 << 20});
}

void describe(ConfigSection& to, TrainConfig::Optimizer& optimizer) {
  to.add("learning_rate", optimizer.learning_rate, "peak step size", kPositive);
  to.add_choice("matrices", optimizer.matrices, {"adamw", "muon"},
                "how matrices between hidden states are updated; all else has AdamW");
  to.add("warmup_steps", optimizer.warmup_steps, "steps of linear rise to the peak", kCountOrNone);
  to.add_choice("schedule", optimizer.schedule, {"constant", "cosine", "linear"},
                "way from the peak to min_learning_rate at the last step");
  to.add("min_learning_rate", optimizer.min_learning_rate, "where cosine and linear end",
         kNotNegative);
  to.add("beta1", optimizer.beta1, "memory of the mean gradient", kDecay);
  to.add("beta2", optimizer.beta2, "memory of the mean squared gradient", kDecay);
  to.add("eps", optimizer.eps, "added to the root of the mean squared gradient", kPositive);
  to.add("matrix_rate", optimizer.matrix_rate, "Muon's step size, in learning rates", kPositive);
  to.add("momentum", optimizer.momentum, "Muon's memory of the gradient", kDecay);
  to.add("weight_decay", optimizer.weight_decay, "share of a weight taken off per learning rate",
         kShare);
  to.add("clip_norm", optimizer.clip_norm, "longest gradient; 0: any", kNotNegative);
  to.add("ema_decay", optimizer.ema_decay, "memory of the averaged weights that samples use",
         kDecay);
  to.add("ema_warmup", optimizer.ema_warmup, "shorter memory in the first steps");
}

void describe(ConfigSection& to, TrainConfig::Train& train) {
  to.add_required("steps", train.steps, "number of optimizer steps", kCount);
  to.add("seed", train.seed, "all randomness follows from it", kNotNegative);
  to.add_choice("precision", train.precision, {"f32", "bf16"},
                "numbers of activations and matrix products; master weights stay f32");
  to.add_choice("linear", train.linear, {"precision", "fp8"},
                "numbers that the linear layers of blocks multiply: those of precision, or of 8 "
                "bits with a scale a tensor (docs/gpus.md)");
  to.add("log_every", train.log_every, "steps between lines on the terminal", kCount);
  to.add("checkpoint_every", train.checkpoint_every, "steps between commits; 0: at the end only",
         kCountOrNone);
  to.add("keep_checkpoints", train.keep_checkpoints, "newest commits that stay", kCount);
  to.add_choice("commit", train.commit, {"behind", "wait"},
                "behind: copy the state and write it behind the next steps; wait: until it is on "
                "the disk, with no copy");
  to.add_choice("resume", train.resume, {"auto", "never"},
                "auto: go on from the run's last commit; never: refuse a folder that has one");
  to.add("init_from", train.init_from, "run or checkpoint whose weights a new run starts from");
  to.add("max_seconds", train.max_seconds, "commit and stop after this time; 0: no limit",
         kNotNegative);
  to.add("liveness_seconds", train.liveness_seconds,
         "a rank that gives no sign of life for so long, or hangs in a step for so long or five "
         "steps' time, is lost",
         {.above = 0});
  to.add("collective_timeout_seconds", train.collective_timeout_seconds,
         "how long others wait for a rank that lives: it may read, evaluate or commit meanwhile",
         kPositive);
}

void describe(ConfigSection& to, TrainConfig::Eval& eval) {
  to.add("every", eval.every, "steps between evaluations; 0: at the end only", kCountOrNone);
  to.add("prompts", eval.prompts,
         "a list, a text file with a prompt a line, shapes, physics, or empty: held-out captions");
  to.add("samples", eval.samples,
         "most clips an evaluation renders, a prompt and a seed each; 0: none", kCountOrNone);
  to.add("steps", eval.steps, "steps of the solver from noise to clip",
         {.at_least = 1, .at_most = 10000});
  to.add_choice("solver", eval.solver, solver_words(),
                "way to integrate the flow (docs/sampling.md)");
  to.add("guidance", eval.guidance, "pull towards the prompt; 1: none", kNotNegative);
  to.add("shift", eval.shift, "above 1: more of the steps at high noise; 0: as flow.shift says",
         {.at_least = 0, .at_most = 1000});
  to.add("seed", eval.seed, "first seed of the clips, and that of the validation loss's noise",
         kNotNegative);
  to.add("frames", eval.frames, "frames of a clip; 0: as most clips of data.train have",
         kCountOrNone);
  to.add("size", eval.size, "pixels of a clip; empty: as most clips of data.train have");
  to.add("fps", eval.fps, "frames a second of the written clips; 0: as of most of data.train",
         {.at_least = 0, .at_most = 240});
  to.add("upscale", eval.upscale, "written clips are this many times larger, for the eye",
         {.at_least = 1, .at_most = 64});
  to.add("validation_clips", eval.validation_clips,
         "held-out clips whose loss is measured; 0: none", kCountOrNone);
}

void describe(ConfigSection& to, TrainConfig::Trace& trace) {
  to.add(
      "steps", trace.steps,
      "steps of each start that are drawn as a timeline of all ranks, from the second on; 0: none",
      {.at_least = 0, .at_most = 1000});
}

void describe(ConfigSection& to, TrainConfig::Parallel& parallel) {
  to.add("data", parallel.data, "ranks that train on different clips; 0: all that are left",
         kCountOrNone);
  to.add("tensor", parallel.tensor, "ranks that share each layer", kCount);
  to.add("context", parallel.context, "ranks that share each clip", kCount);
  to.add_choice("context_method", parallel.context_method, {"ulysses", "ring"},
                "how they attend to each other's tokens: each to all of some heads, or keys and "
                "values come round (docs/layouts.md)");
  to.add("ring", parallel.ring,
         "context ranks of a ring, those within it share heads as with ulysses; 0: all of them",
         kCountOrNone);
  to.add("pipeline", parallel.pipeline, "ranks that share the blocks, as stages", kCount);
  to.add("zero", parallel.zero,
         "what ranks with the same weights divide: 1 the state of the optimizer, 2 also gradients, "
         "3 also weights (docs/layouts.md)",
         {.at_least = 0, .at_most = 3});
  to.add_choice("schedule", parallel.schedule,
                {"gpipe", "1f1b", "interleaved", "zb_h1", "zb_v", "tuned"},
                "in which order stages work on micro-batches (docs/schedules.md)");
  to.add("virtual_stages", parallel.virtual_stages,
         "parts of the model that a pipeline rank holds; 0: as many as the schedule has, "
         "interleaved and tuned 2",
         kCountOrNone);
  to.add("order", parallel.order,
         "which ranks are neighbours: those that differ in the first of the four only, then in the "
         "second; neighbours share a machine");
}

}  // namespace

ConfigSection fields_of(TrainConfig& config) {
  ConfigSection to;
  to.add_choice(
      "device", config.device, {"auto", "cpu", "cuda", "shared-cuda"},
      "where it computes; auto: on the CPU, since CUDA was tried on an emulated device only; "
      "cuda: each rank on a device of its own; shared-cuda: on one that others may use");
  to.add("threads", config.threads, "threads of a rank that compute; 0: its share of the cores",
         {.at_least = 0, .at_most = 1024});
  describe(to.add_section("run", "Where the run keeps its files"), config.run);
  describe(to.add_section("data", "The clips it learns from"), config.data);
  describe(to.add_section("model", "The diffusion transformer and its text encoder"), config.model);
  describe(to.add_section("autoencoder",
                          "A video autoencoder of Wan2.1's kind, for model.kind: autoencoder"),
           config.autoencoder);
  describe(to.add_section("flow", "How much noise is added in training"), config.flow);
  describe(to.add_section("batch", "What one step sees"), config.batch);
  describe(to.add_section("optimizer", "AdamW, its learning rate and the averaged weights"),
           config.optimizer);
  describe(to.add_section("train", "How long, how exactly, and what is kept"), config.train);
  describe(to.add_section("eval", "What is rendered and measured on the way"), config.eval);
  describe(to.add_section("trace", "What is recorded of time"), config.trace);
  describe(to.add_section("parallel", "How many ranks share what"), config.parallel);
  return to;
}

std::filesystem::path TrainConfig::folder() const {
  return run.folder.empty() ? std::filesystem::path("runs") / run.name
                            : std::filesystem::path(run.folder);
}

std::string to_yaml(const TrainConfig& config) {
  TrainConfig copy = config;
  return config_to_yaml(fields_of(copy));
}

std::vector<ConfigValue> values_of(const TrainConfig& config) {
  TrainConfig copy = config;
  return config_values(fields_of(copy));
}

std::string train_config_reference() {
  TrainConfig defaults;
  return R"(# Configuration

A run is told everything by one YAML file: `muybridge train FILE [key=value ...]`.
This page is written by `muybridge config reference`; a test keeps it in step.

- Keys are sections and names: `optimizer.learning_rate` is the line `learning_rate: 0.001` below
  `optimizer:`. What a file leaves out has the default below; unknown and duplicate keys are mistakes.
- An argument `key=value` after the file replaces the file's value:
  `muybridge train configs/shapes.yaml train.steps=200 model.patch=[2,4,4]`. The last one counts.
- `base: other.yaml` on top lays the file on another, whose path is relative to it.
  All other paths are relative to the folder the command runs in.
- `muybridge config check FILE` reports mistakes as `file:line:column: key: reason`, all at once;
  `muybridge config show FILE` prints the values that a run would use.
- Numbers are decimal (`0.001`, `1e-3`), flags `true` or `false`. YAML's anchors, tags and several
  documents in a file are not read.
)" + config_to_markdown(fields_of(defaults));
}

}  // namespace muybridge
