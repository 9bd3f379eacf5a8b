#include <array>
#include <limits>
#include <vector>

#include "cli/bench_batch.h"
#include "cli/bench_jobs.h"
#include "model/dit_parallel.h"
#include "parallel/zero/sharing.h"
#include "train/model_options.h"
#include "train/train_step.h"

namespace muybridge {
namespace {

// The same random micro-batches in every step, dealt out to the replicas.
class RandomBatches final : public BatchSource {
 public:
  RandomBatches(const TrainConfig& config, const Mesh& mesh) {
    for (int i = mesh.coordinate().data; i < config.batch.micro_batches; i += mesh.sizes().data)
      batches_.push_back(random_batch(config, static_cast<std::uint64_t>(i) + 1));
  }

  int begin_step() override {
    next_ = 0;
    return static_cast<int>(batches_.size());
  }
  Batch next() override { return batches_.at(next_++); }
  double wait_seconds() const override { return 0; }

 private:
  std::vector<Batch> batches_;
  std::size_t next_ = 0;
};

// Small steps of the weights, however many: the loss stays finite on noise.
TrainConfig with_small_steps(TrainConfig config) {
  config.optimizer.learning_rate = 1e-4;
  config.optimizer.warmup_steps = 0;
  config.train.steps = std::numeric_limits<int>::max();
  return config;
}

class StepJob : public BenchJob {
 public:
  StepJob(const TrainConfig& config, World& world)
      : config_(with_small_steps(config)),
        mesh_(mesh_sizes(config), world.group()),
        store_(parameters_, mesh_.copies()),
        objective_(make_objective(config_, parameters_, mesh_, store_)),
        batches_(config, mesh_) {
    mesh_.prepare(device_of(config));
    parameters_.allocate(compute_dtype(config), 1, device_of(config),
                         sharing_plan(mesh_, sharing_of(config)));
    spread_values(parameters_, mesh_);
    optimizer_.emplace(parameters_, config_.optimizer, mesh_);
    step_.emplace(config_, *objective_, parameters_, *optimizer_, batches_, store_, mesh_,
                  world.activity());
  }

  void run() override { last_ = step_->run(++number_, /*committed=*/-1); }

  double flops() const override { return last_.tflops * last_.seconds * 1e12; }
  std::int64_t tokens() const override { return last_.tokens; }
  std::optional<double> exposed() const override {
    if (!last_.extra.contains("exposed_communication")) return {};
    return last_.extra.at("exposed_communication").get<double>() * last_.seconds;
  }

 private:
  const TrainConfig config_;
  const Mesh mesh_;
  Parameters parameters_;
  UnitStore store_;
  std::unique_ptr<Objective> objective_;
  RandomBatches batches_;
  std::optional<Optimizer> optimizer_;
  std::optional<TrainStep> step_;
  StepMetrics last_;
  std::int64_t number_ = 0;
};

std::unique_ptr<BenchJob> make_step(const TrainConfig& config, World& world) {
  return std::make_unique<StepJob>(config, world);
}

MemoryEstimate memory_of_steps(const TrainConfig& config, int ranks) {
  const MeshSizes sizes = resolve(mesh_sizes(config), ranks);
  const int mine = (config.batch.micro_batches + sizes.data - 1) / sizes.data;
  MemoryEstimate estimate = memory_of_step(config, size_of_batch(config), largest_stage(config),
                                           ranks, /*batches_ahead=*/mine);
  estimate.average_in_place = 0;
  return estimate;
}

constexpr auto kStepKeys = std::to_array<std::string_view>({"device",
                                                            "threads",
                                                            "model.",
                                                            "flow.",
                                                            "batch.tokens",
                                                            "batch.micro_batches",
                                                            "optimizer.matrices",
                                                            "optimizer.beta1",
                                                            "optimizer.beta2",
                                                            "optimizer.eps",
                                                            "optimizer.matrix_rate",
                                                            "optimizer.momentum",
                                                            "optimizer.weight_decay",
                                                            "optimizer.clip_norm",
                                                            "optimizer.ema_decay",
                                                            "optimizer.ema_warmup",
                                                            "train.precision",
                                                            "train.linear",
                                                            "eval.frames",
                                                            "eval.size",
                                                            "parallel."});

}  // namespace

BenchKind step_bench() { return {{"bench step", kStepKeys}, make_step, memory_of_steps}; }

}  // namespace muybridge
