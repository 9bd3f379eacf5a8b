#include "train/trainer.h"

#include <omp.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/log.h"
#include "parallel/together.h"
#include "parallel/values.h"
#include "train/checks/alike.h"
#include "train/checks/machines.h"
#include "train/checks/require_memory.h"
#include "train/evaluation/evaluation.h"
#include "train/model_options.h"
#include "train/weights/weights_scope.h"

namespace muybridge {
namespace {

// Of the whole model, whatever this rank holds of it.
std::int64_t count_parameters(const Parameters& parameters, const Mesh& mesh) {
  double count = 0;
  for (const Parameter& parameter : parameters.list())
    if (mesh.coordinate().pipeline == 0 || !(parameter.copies & kOverPipeline))
      count += static_cast<double>(parameter.spec.shape.numel());
  return static_cast<std::int64_t>(all_reduce_value(*mesh.pipeline(), count, Reduce::kSum));
}

// What a commit holds of each parameter: master, momentum, variance, average.
std::int64_t commit_bytes(std::int64_t parameters) {
  return parameters * std::ssize(kStateKinds) * std::int64_t{sizeof(float)};
}

bool has_folder(const TrainConfig& config, Group& group) {
  return !rank_zero(group, [&] {
            return std::string(std::filesystem::exists(config.folder()) ? "yes" : "");
          }).empty();
}

const TrainConfig& runnable(const TrainConfig& config, World& world) {
  for (const auto& [key, folder] :
       {std::pair{"data.train", config.data.train}, {"data.validation", config.data.validation}})
    if (!folder.empty()) require_shared(key, folder, *world.group());
  require_alike(*world.group(), facts_of(config));
  // Before a new run has a folder that it would leave behind.
  if (!config.train.init_from.empty() && !has_folder(config, *world.group()))
    require_origin(config, *world.group());
  const std::string warning = require_runnable(config, world.size());
  take_device(config, world);
  for (const std::string& each :
       {warning, slow_precision(config, this_machine()),
        scattered_ranks(resolve(mesh_sizes(config), world.size()), world.host_of_rank()),
        slow_launcher(world.hosts(), launcher_patience(), config.train.liveness_seconds)})
    if (!each.empty() && world.rank() == 0) log_warning("{}", each);
  return config;
}

nlohmann::json layout_of(const TrainConfig& config, const MeshSizes& sizes) {
  return {{"data", sizes.data},
          {"tensor", sizes.tensor},
          {"context", sizes.context},
          {"ring", sizes.ring},
          {"pipeline", sizes.pipeline},
          {"zero", config.parallel.zero},
          {"schedule", to_string(config.parallel.schedule)},
          {"order", to_string(sizes.order)}};
}

std::string counted(int n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

// " (data 2 x tensor 2 .., zb_v, zero 1)"; nothing of one rank.
std::string describe_layout(const TrainConfig& config, const MeshSizes& sizes) {
  if (sizes.ranks() == 1) return "";
  std::string text = " (" + to_string(sizes);
  if (sizes.ring > 1) text += fmt::format(", a ring of {}", sizes.ring);
  if (sizes.pipeline > 1) text += fmt::format(", {}", to_string(config.parallel.schedule));
  if (sizes.order != kAxes) text += fmt::format(", {}", to_string(sizes.order));
  if (config.parallel.zero > 0) text += fmt::format(", zero {}", config.parallel.zero);
  return text + ")";
}

Corpora same_corpora(const TrainConfig& config, Group& group) {
  Corpora corpora = open_corpora(config);
  require_alike(group, {{"the corpus in data.train", corpora.train.identity()},
                        {"the corpus with held-out clips", corpora.validation().identity()}});
  return corpora;
}

// Before any batch or weight is there.
std::unique_ptr<ReplicaLoader> make_loader(const TrainConfig& config, const Corpora& corpora,
                                           const Parameters& parameters, const World& world,
                                           const Mesh& mesh) {
  const std::string warning = require_memory(
      config, memory_of_run(config, corpora.train, held_parameters(parameters), world.size()),
      world, is_autoencoder(config) ? kLessForAutoencoder : kLessForTraining);
  if (!warning.empty() && world.local_rank() == 0) log_warning("{}", warning);
  return std::make_unique<ReplicaLoader>(corpora.train, loader_options(config), mesh);
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, World& world,
                 const std::vector<std::string>& command_line)
    : config_(runnable(config, world)),
      group_(*world.group()),
      activity_(world.activity()),
      mesh_(mesh_sizes(config), world.group()),
      corpora_(same_corpora(config, group_)),
      prompts_(prepare_evaluation(config, &corpora_.validation(), group_)),
      store_(parameters_, mesh_.copies()),
      objective_(make_objective(config_, parameters_, mesh_, store_)),
      loader_(make_loader(config, corpora_, parameters_, world, mesh_)),
      run_{config.folder()},
      lock_(open_run(run_, config.train.resume == TrainConfig::Resume::kNever, group_)),
      slow_ranks_(mesh_, world.host_of_rank()),
      trace_(config.trace.steps, run_, activity_.timeline, mesh_) {
  mesh_.prepare(device_of(config_));
  const std::int64_t count = count_parameters(parameters_, mesh_);
  require_room(run_, commit_bytes(count), config_.train.keep_checkpoints, group_);
  parameters_.allocate(compute_dtype(config_), static_cast<std::uint64_t>(config_.train.seed),
                       device_of(config_), sharing_plan(mesh_, sharing_of(config_)));
  const bool on_cuda = parameters_.master().device() == Device::kCuda;
  spread_values(parameters_, mesh_);
  optimizer_ = std::make_unique<Optimizer>(parameters_, config_.optimizer, mesh_);
  train_step_ = std::make_unique<TrainStep>(config_, *objective_, parameters_, *optimizer_,
                                            *loader_, store_, mesh_, activity_);
  model_ = std::make_unique<TrainedModel>(TrainedModel{mesh_, parameters_, *optimizer_, *loader_});
  start_ = restore(config_, run_, corpora_.train.identity(), *model_, group_);
  step_ = start_.step;
  committed_ = start_.committed;
  rank_zero(group_, [&] {
    record_run(run_, to_yaml(config_),
               describe_environment(command_line, on_cuda ? "cuda" : "cpu",
                                    layout_of(config_, mesh_.sizes())));
    records_ =
        std::make_unique<RunRecords>(run_, step_, config_.train.steps, config_.train.log_every);
    return std::string();
  });
  committer_ =
      std::make_unique<Committer>(committer_options(config_, run_, world.local_size()), group_);
  log_info("{}, {} clips, {} of {}{}{}, run {}", objective_->describe(count), loader_->clips(),
           counted(group_.size(), "rank"), counted(omp_get_max_threads(), "thread"),
           on_cuda ? " on CUDA" : "", describe_layout(config_, mesh_.sizes()), run_.root.string());
}

TrainOutcome Trainer::run() {
  const StopRequest stop(group_, config_.train.max_seconds);
  finish_last_step(stop);
  while (step_ < config_.train.steps) {
    trace_.before(step_ + 1);
    StepMetrics metrics =
        train_step_->run(step_ + 1, committed_, [this] { committer_->before_change(); });
    trace_.after(step_ + 1);
    slow_ranks_.add(train_step_->own_times());
    ++step_;
    const bool last = step_ == config_.train.steps, stopping = stop.agreed();
    committer_->look();
    // A commit comes first, with the step's metrics in it: what fails or dies after it is made up
    // for by the next start.
    const bool waits = evaluation_is_due();
    if (!waits && records_) records_->add(metrics);
    const int every = config_.train.checkpoint_every;
    if (last || stopping || (every > 0 && step_ % every == 0)) {
      const InSection committing(activity_, Section::kCommit);
      if (records_) records_->sync();
      commit_run(*committer_, config_, metrics, train_seconds(stop), *model_);
      committed_ = step_;
    }
    if (stopping && !last) {
      committer_->wait();
      trace_.finish();
      log_info("stopped after step {}; the same command goes on from there", step_);
      return TrainOutcome::kPreempted;
    }
    if (waits) evaluate_and_record(std::move(metrics), stop);
  }
  committer_->wait();
  trace_.finish();
  if (records_) records_->clear_progress();
  if (failed_evaluations_ > 0)
    log_warning("the run is done and committed, but {} evaluation{} failed{}", failed_evaluations_,
                failed_evaluations_ == 1 ? "" : "s",
                is_autoencoder(config_)
                    ? std::string()
                    : "; measure it with: muybridge evaluate " + run_.root.string());
  return TrainOutcome::kFinished;
}

bool Trainer::evaluation_is_due() const {
  const int every = config_.eval.every;
  return step_ == config_.train.steps || (every > 0 && step_ % every == 0);
}

// A start that was cut off between a commit and the step's line of metrics left these to this one.
void Trainer::finish_last_step(const StopRequest& clock) {
  if (start_.metrics.is_null()) return;
  const std::string recorded =
      rank_zero(group_, [&] { return records_->last_step() == step_ ? "recorded" : ""; });
  if (!recorded.empty()) return;
  StepMetrics metrics = step_metrics_from(start_.metrics);
  if (evaluation_is_due())
    evaluate_and_record(std::move(metrics), clock);
  else if (records_)
    records_->add(metrics);
}

// What steps and evaluations need is not needed at one time.
void Trainer::evaluate_and_record(StepMetrics metrics, const StopRequest& clock) {
  if (records_) records_->clear_progress();
  trim_pool(parameters_.master().device());
  try {
    evaluate(metrics, train_seconds(clock));
  } catch (const std::exception& error) {
    const auto* const known = dynamic_cast<const Error*>(&error);
    if (known != nullptr && known->code() == ExitCode::kRankLost) throw;
    ++failed_evaluations_;
    metrics.extra["evaluation_error"] = error.what();
    log_error(
        "step {}: the evaluation failed, and training goes on without it: {}{}", step_,
        error.what(),
        is_autoencoder(config_)
            ? std::string()
            : fmt::format(". Once that is mended, 'muybridge evaluate {}' measures the newest "
                          "commit",
                          run_.root.string()));
    if (records_ && records_->last_step() < step_) records_->add(metrics);
  }
  trim_pool(parameters_.master().device());
}

void Trainer::evaluate(StepMetrics& metrics, double train_seconds) {
  const InSection evaluating(activity_, Section::kEvaluation);
  committer_->before_change();
  const WeightsScope average(parameters_, optimizer_->average(), mesh_, store_);
  const Evaluation evaluation = objective_->evaluate({.config = config_,
                                                      .corpus = &corpora_.validation(),
                                                      .prompts = prompts_,
                                                      .step = step_,
                                                      .checkpoint = {}},
                                                     run_);
  metrics.extra.update(metrics_of(evaluation));
  log_info("step {}: {} ({:.1f} s)", step_, describe_evaluation(evaluation), evaluation.seconds);
  const std::int64_t peak = peak_memory_bytes(group_);
  const std::int64_t count = count_parameters(parameters_, mesh_);
  rank_zero(group_, [&] {
    const std::string model = objective_->describe(count);
    write_report(run_, evaluation, model,
                 {{"wall_seconds", {{"train", train_seconds}, {"evaluate", evaluation.seconds}}},
                  {"peak_memory_bytes", peak}});
    records_->add(metrics);
    records_->add_clips(run_.samples(step_), evaluation.samples);
    draw_gallery(run_, evaluation, model, config_.run.name);
    return std::string();
  });
}

}  // namespace muybridge
