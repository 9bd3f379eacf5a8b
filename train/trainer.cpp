#include "train/trainer.h"

#include "core/log.h"
#include "parallel/together.h"
#include "train/evaluation.h"
#include "train/model_options.h"
#include "train/stop_request.h"
#include "train/weights.h"

namespace muybridge {

Trainer::Trainer(const TrainConfig& config, World& world,
                 const std::vector<std::string>& command_line)
    : config_(config),
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
  train_step_ =
      std::make_unique<TrainStep>(config_, dit_, parameters_, *optimizer_, *loader_, world.group());
  start_ = restore(config_, run_, parameters_, *optimizer_, *loader_, group_);
  step_ = start_.step;
  committed_ = start_.committed;
  rank_zero(group_, [&] {
    record_run(run_, to_yaml(config_),
               describe_environment(command_line, {{"data", group_.size()}}));
    records_ =
        std::make_unique<RunRecords>(run_, step_, config_.train.steps, config_.train.log_every);
    return std::string();
  });
  log_info("{}, {} clips, {} ranks of {} threads, run {}",
           describe_model(dit_.options(), parameters_.count()), loader_->clips(), group_.size(),
           world.threads(), run_.root.string());
}

TrainOutcome Trainer::run() {
  const StopRequest stop(group_, config_.train.max_seconds);
  const auto is_due = [this](int every) { return every > 0 && step_ % every == 0; };
  while (step_ < config_.train.steps) {
    StepMetrics metrics = train_step_->run(step_ + 1, committed_);
    ++step_;
    const bool last = step_ == config_.train.steps;
    if (last || is_due(config_.eval.every)) evaluate(metrics, stop.seconds());
    if (records_) records_->add(metrics);
    const bool stopping = stop.agreed();
    if (last || stopping || is_due(config_.train.checkpoint_every)) commit(stop.seconds());
    if (stopping && !last) {
      log_info("stopped after step {}; the same command goes on from there", step_);
      return TrainOutcome::kPreempted;
    }
  }
  if (records_) records_->clear_progress();
  return TrainOutcome::kFinished;
}

void Trainer::evaluate(StepMetrics& metrics, double seconds) {
  if (records_) records_->clear_progress();
  const WeightsScope average(parameters_, optimizer_->average());
  const Evaluation evaluation =
      muybridge::evaluate({.dit = dit_,
                           .config = config_,
                           .corpus = validation_corpus_ ? validation_corpus_.get() : &corpus_,
                           .step = step_,
                           .checkpoint = {}},
                          run_, group_);
  metrics.extra.update(metrics_of(evaluation));
  log_info("step {}: {} ({:.1f} s)", step_, describe_evaluation(evaluation), evaluation.seconds);
  const std::int64_t peak = peak_memory_bytes(group_);
  rank_zero(group_, [&] {
    write_report(run_, evaluation, describe_model(dit_.options(), parameters_.count()),
                 config_.run.name,
                 {{"wall_seconds",
                   {{"train", start_.train_seconds + seconds}, {"evaluate", evaluation.seconds}}},
                  {"peak_memory_bytes", peak}});
    return std::string();
  });
}

void Trainer::commit(double seconds) {
  if (records_) records_->sync();
  TrainState state = state_of(parameters_, *optimizer_);
  state.owned = even_share(parameters_.flat_size(), group_.rank(), group_.size());
  state.step = step_;
  state.seed = static_cast<std::uint64_t>(config_.train.seed);
  state.loader_position = loader_->position();
  state.extra = {{"train_seconds", start_.train_seconds + seconds}};
  state.config = to_yaml(config_);
  save_checkpoint(run_.checkpoints(), state, group_, config_.train.keep_checkpoints);
  committed_ = step_;
}

}  // namespace muybridge
