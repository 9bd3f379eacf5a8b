#include "train/trainer.h"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>

#include "core/file.h"
#include "core/log.h"
#include "core/stop_signals.h"
#include "parallel/values.h"
#include "train/checkpoint.h"
#include "train/checkpoint_folder.h"
#include "train/model_options.h"
#include "train/progress.h"
#include "train/schedule_lr.h"
#include "train/tensorboard_clips.h"
#include "train/together.h"
#include "train/weights.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

double mean_of(const std::array<double, kTimeQuantiles>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / kTimeQuantiles;
}

TrainState state_of(const Parameters& parameters, const Optimizer& optimizer) {
  TrainState state;
  state.parameters = &parameters;
  state.master = parameters.master();
  state.momentum = optimizer.momentum();
  state.variance = optimizer.variance();
  state.ema = optimizer.average();
  return state;
}

}  // namespace

struct Trainer::Records {
  MetricsLog metrics;
  TensorBoardWriter tensorboard;
  TrainingProgress progress;

  Records(const RunFolder& run, std::int64_t step, const TrainConfig::Train& train)
      : metrics(run.metrics(), step),
        tensorboard(run.tensorboard(), step),
        progress(step, train.steps, train.log_every) {}

  void add(const StepMetrics& m) {
    metrics.append(m);
    std::vector<std::pair<std::string, double>> scalars = {
        {"train/loss", m.loss},
        {"train/grad_norm", m.grad_norm},
        {"train/learning_rate", m.learning_rate},
        {"speed/tokens_per_second", static_cast<double>(m.tokens) / m.seconds},
        {"speed/tflops", m.tflops},
        {"speed/data_wait", m.data_wait}};
    for (const auto& [key, value] : m.extra.items())
      if (value.is_number()) scalars.emplace_back("eval/" + key, value.get<double>());
    tensorboard.add_scalars(m.step, scalars);
    progress.update(m);
  }
};

Trainer::Trainer(const TrainConfig& config, World& world, std::vector<std::string> command_line)
    : config_(config),
      world_(world),
      group_(*world.group()),
      run_{config.folder()},
      lock_(open_run(run_, group_)),
      corpus_(CorpusIndex::open(config.data.train)),
      dit_(parameters_, dit_options(config)) {
  if (!config_.data.validation.empty())
    validation_corpus_ =
        std::make_unique<CorpusIndex>(CorpusIndex::open_held_out(config_.data.validation));
  parameters_.allocate(compute_dtype(config_), static_cast<std::uint64_t>(config_.train.seed));
  optimizer_ = std::make_unique<Optimizer>(parameters_, config_.optimizer);
  loader_ =
      std::make_unique<Loader>(corpus_, loader_options(config_), group_.rank(), group_.size());
  reducer_ = std::make_unique<GradReducer>(parameters_, world.group());
  restore();
  rank_zero(group_, [&] {
    record_run(run_, to_yaml(config_),
               describe_environment(command_line, {{"data", group_.size()}}));
    records_ = std::make_unique<Records>(run_, step_, config_.train);
    return std::string();
  });
  log_info("{}, {} clips, {} ranks of {} threads, run {}",
           describe_model(dit_.options(), parameters_.count()), loader_->clips(), group_.size(),
           world.threads(), run_.root.string());
}

Trainer::~Trainer() = default;

void Trainer::restore() {
  std::optional<std::filesystem::path> commit;
  if (config_.train.resume == TrainConfig::Resume::kAuto)
    commit = prepare_resume(run_.checkpoints(), group_);
  if (commit) {
    const CheckpointReader reader(*commit);
    TrainState state = state_of(parameters_, *optimizer_);
    load_checkpoint(reader, state);
    parameters_.round_to_compute(0, parameters_.flat_size());
    loader_->restore(state.loader_position.get<LoaderPosition>());
    step_ = committed_step_ = state.step;
    seconds_before_ = state.extra.value("train_seconds", 0.0);
    log_info("going on after step {} of {}", step_, commit->string());
  } else if (!config_.train.init_from.empty()) {
    const std::filesystem::path from = resolve_commit(config_.train.init_from, group_);
    const CheckpointReader reader(from);
    load_weights(reader, parameters_,
                 reader.manifest().has(StateKind::kEma) ? StateKind::kEma : StateKind::kMaster);
    optimizer_->restart_average();
    log_info("weights from {}", from.string());
  }
}

TrainOutcome Trainer::run() {
  const StopSignals signals;
  const Clock::time_point begin = Clock::now();
  while (step_ < config_.train.steps) {
    StepMetrics metrics = train_one_step();
    seconds_now_ = seconds_since(begin);
    const bool last = step_ == config_.train.steps;
    const int every = config_.eval.every;
    if (last || (every > 0 && step_ % every == 0)) run_evaluation(metrics);
    if (records_) records_->add(metrics);
    const bool stop = stop_requested(signals.requested(), seconds_now_);
    const int commit_every = config_.train.checkpoint_every;
    if (last || stop || (commit_every > 0 && step_ % commit_every == 0)) commit();
    if (stop && !last) {
      log_info("stopped after step {}; the same command goes on from there", step_);
      return TrainOutcome::kPreempted;
    }
  }
  if (records_) records_->progress.clear();
  return TrainOutcome::kFinished;
}

StepMetrics Trainer::train_one_step() {
  const Clock::time_point begin = Clock::now();
  const double waited = loader_->wait_seconds();
  const std::int64_t step = step_ + 1;
  const int count = loader_->micro_batches_per_step();
  // Any constant would do: gradients are divided by the elements that were really there.
  const double normaliser = static_cast<double>(config_.batch.tokens) *
                            config_.batch.micro_batches *
                            static_cast<double>(dit_.options().token_width());
  parameters_.zero_gradients();
  double error = 0, tokens = 0, flops = 0;
  std::vector<std::int64_t> bad_clips;
  for (int i = 0; i < count; ++i) {
    BackwardOptions options;
    if (i + 1 == count)
      options.on_leaf_ready = [this](std::int64_t tag) { reducer_->on_ready(tag); };
    const MicroBatchResult result =
        run_micro_batch(dit_, loader_->next(), flow_options(config_),
                        static_cast<std::uint64_t>(config_.train.seed), step, normaliser, options);
    error += result.squared_error;
    tokens += static_cast<double>(result.tokens);
    flops += result.flops;
    bad_clips.insert(bad_clips.end(), result.bad_clips.begin(), result.bad_clips.end());
  }
  reducer_->finish();
  const Tensor totals = Tensor::of<double>({3}, {error, tokens, flops});
  group_.all_reduce(totals).wait();
  const double* const sums = totals.data<double>();
  const double elements = sums[1] * static_cast<double>(dit_.options().token_width());
  const double loss = sums[0] / elements;
  const double scale = normaliser / elements;
  const double norm = optimizer_->gradient_norm(scale);
  fail_if_diverged(bad_clips, loss, norm);

  const double rate = learning_rate_at(config_.optimizer, step, config_.train.steps);
  optimizer_->step(step, rate, scale, norm);
  step_ = step;
  const double seconds = seconds_since(begin);
  return {.step = step,
          .loss = loss,
          .grad_norm = norm,
          .learning_rate = rate,
          .tokens = static_cast<std::int64_t>(sums[1]),
          .seconds = seconds,
          .tflops = sums[2] / seconds * 1e-12,
          .data_wait = (loader_->wait_seconds() - waited) / seconds,
          .extra = {{"exposed_communication", reducer_->exposed_seconds() / seconds}}};
}

void Trainer::fail_if_diverged(const std::vector<std::int64_t>& bad_clips, double loss,
                               double norm) {
  if (std::isfinite(loss) && std::isfinite(norm)) return;
  const std::vector<std::string> all =
      all_gather_text(group_, fmt::format("{}", fmt::join(bad_clips, " ")));
  const std::string where = committed_step_ >= 0
                                ? fmt::format("the last good commit is of step {}", committed_step_)
                                : "there is no commit yet";
  fail(ExitCode::kInternal,
       "step {}: the loss is {} and the gradient's norm {}; clips whose loss is not finite: [{}]; "
       "{}. Lower optimizer.learning_rate or look at these clips with their number in index.json",
       step_ + 1, loss, norm, fmt::join(all, " "), where);
}

void Trainer::run_evaluation(StepMetrics& metrics) {
  if (records_) records_->progress.clear();
  const WeightsScope average(parameters_, optimizer_->average());
  const Evaluation evaluation =
      evaluate({.dit = dit_,
                .config = config_,
                .corpus = validation_corpus_ ? validation_corpus_.get() : &corpus_,
                .step = step_,
                .checkpoint = {}},
               run_, group_);
  const double loss = mean_of(evaluation.validation_loss);
  metrics.extra["validation_loss"] = std::isfinite(loss) ? Json(loss) : Json(nullptr);
  for (const auto& [name, score] : evaluation.scores) metrics.extra["score_" + name] = score;
  const Tensor peak = Tensor::of<std::int64_t>({1}, std::vector<std::int64_t>{peak_memory_bytes()});
  group_.all_reduce(peak, Reduce::kMax).wait();
  std::string scores;
  for (const auto& [name, score] : evaluation.scores)
    scores += fmt::format("  {} {:.3f}", name, score);
  if (records_) add_clips(records_->tensorboard, run_.samples(step_), evaluation.samples);
  log_info("step {}: validation loss {:.4f}{} ({:.1f} s)", step_, loss, scores, evaluation.seconds);
  rank_zero(group_, [&] {
    write_report(run_, evaluation, describe_model(dit_.options(), parameters_.count()),
                 config_.run.name,
                 {{"wall_seconds",
                   {{"train", seconds_before_ + seconds_now_}, {"evaluate", evaluation.seconds}}},
                  {"peak_memory_bytes", *peak.data<std::int64_t>()}});
    return std::string();
  });
}

void Trainer::commit() {
  if (records_) records_->metrics.sync();
  TrainState state = state_of(parameters_, *optimizer_);
  state.owned = even_share(parameters_.flat_size(), group_.rank(), group_.size());
  state.step = step_;
  state.seed = static_cast<std::uint64_t>(config_.train.seed);
  state.loader_position = loader_->position();
  state.extra = {{"train_seconds", seconds_before_ + seconds_now_}};
  state.config = to_yaml(config_);
  save_checkpoint(run_.checkpoints(), state, group_, config_.train.keep_checkpoints);
  committed_step_ = step_;
}

bool Trainer::stop_requested(bool signalled, double seconds_so_far) const {
  const bool late = config_.train.max_seconds > 0 && seconds_so_far >= config_.train.max_seconds;
  const Tensor stop =
      Tensor::of<std::int64_t>({1}, std::vector<std::int64_t>{signalled || late ? 1 : 0});
  group_.all_reduce(stop, Reduce::kMax).wait();
  return *stop.data<std::int64_t>() != 0;
}

}  // namespace muybridge
