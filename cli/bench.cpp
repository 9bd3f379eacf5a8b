#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "core/error.h"
#include "parallel/world.h"
#include "train/model_options.h"
#include "train/optimizer.h"
#include "train/train_step.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
  int repeats = 10;
  bool json = false;
  bool interactive = false;
};

// One micro-batch of random clips of the size that evaluation renders, each with a caption.
Batch random_batch(const TrainConfig& config) {
  const DitOptions model = dit_options(config);
  const Grid grid = render_grid(model, render_options(config));
  const std::int64_t clips = std::max<std::int64_t>(1, config.batch.tokens / grid.tokens());
  Batch batch;
  batch.packing = Packing::of(std::vector<Grid>(static_cast<std::size_t>(clips), grid));
  batch.tokens = Tensor::empty({batch.packing.rows, model.token_width()});
  fill_normal(RandomStream(1, Purpose::kTest), batch.tokens.data<float>(), batch.tokens.numel());
  const PackedText text = pack_captions(
      std::vector<std::string>(static_cast<std::size_t>(clips), "a red circle moving left"), 256);
  batch.text_packing = text.packing;
  batch.text_ids = text.ids;
  for (std::int64_t i = 0; i < clips; ++i) {
    batch.clip_ids.push_back(i);
    batch.samples.push_back(i);
  }
  return batch;
}

// A train step of one rank: forward, backward and update of one micro-batch.
class StepBench {
 public:
  explicit StepBench(const TrainConfig& config)
      : config_(config), dit_(parameters_, dit_options(config)), batch_(random_batch(config)) {
    parameters_.allocate(compute_dtype(config), 1);
    optimizer_ = std::make_unique<Optimizer>(parameters_, config.optimizer);
  }

  double seconds() {
    const auto begin = std::chrono::steady_clock::now();
    parameters_.zero_gradients();
    const MicroBatchResult result = run_micro_batch(dit_, batch_, flow_options(config_), 1, ++step_,
                                                    static_cast<double>(batch_.tokens.numel()), {});
    optimizer_->step(step_, 1e-4, 1.0, optimizer_->gradient_norm(1.0));
    flops_ = result.flops;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  double flops() const { return flops_; }
  std::int64_t tokens() const { return batch_.packing.used(); }

 private:
  TrainConfig config_;
  Parameters parameters_;
  Dit dit_;
  Batch batch_;
  std::unique_ptr<Optimizer> optimizer_;
  std::int64_t step_ = 0;
  double flops_ = 0;
};

void bench_step(const Arguments& arguments) {
  const TrainConfig config = load_train_config(arguments.file, arguments.overrides);
  const World world;
  omp_set_num_threads(config.threads > 0 ? config.threads : world.threads());
  StepBench bench(config);
  bench.seconds();
  const std::uint64_t allocations = pool_statistics(Device::kCpu).system_allocations;
  bench.seconds();
  if (arguments.interactive) {
    fmt::print("ready\n");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
      fmt::print("{:.9f}\n", bench.seconds());
      std::fflush(stdout);
    }
    return;
  }
  std::vector<double> seconds(static_cast<std::size_t>(arguments.repeats));
  for (double& each : seconds) each = bench.seconds();
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  const PoolStatistics pool = pool_statistics(Device::kCpu);
  if (arguments.json) {
    fmt::print("{}\n",
               nlohmann::ordered_json{
                   {"seconds_median", median},
                   {"seconds_min", seconds.front()},
                   {"tokens", bench.tokens()},
                   {"tokens_per_second", static_cast<double>(bench.tokens()) / median},
                   {"gflops", bench.flops() / median * 1e-9},
                   {"threads", omp_get_max_threads()},
                   {"peak_pool_bytes", pool.peak_bytes},
                   {"allocations_after_first_step", pool.system_allocations - allocations}}
                   .dump(2));
    return;
  }
  fmt::print(
      "{} tokens, {} threads: median {:.1f} ms, best {:.1f} ms, {:.0f} tokens/s, {:.1f} GFLOP/s\n",
      bench.tokens(), omp_get_max_threads(), median * 1e3, seconds.front() * 1e3,
      static_cast<double>(bench.tokens()) / median, bench.flops() / median * 1e-9);
  fmt::print("memory pool: {:.1f} MB at most, {} system allocations after the first step\n",
             static_cast<double>(pool.peak_bytes) * 1e-6, pool.system_allocations - allocations);
}

}  // namespace

void add_bench_command(CLI::App& program) {
  CLI::App* bench = program.add_subcommand("bench", "Measure this machine's speed");
  bench->require_subcommand(1);
  bench->footer(R"(Examples:
  muybridge bench step configs/shapes.yaml)");
  CLI::App* command = bench->add_subcommand("step", "Time train steps on random clips");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->file, "YAML configuration of a run")->required();
  command->add_option("a.b=c", arguments->overrides, "Values that replace the file's");
  command->add_option("--repeats", arguments->repeats, "Steps to time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "Print the figures as JSON");
  command->add_flag("--interactive", arguments->interactive,
                    "Run one step for each line of standard input and print its seconds: for "
                    "measuring in turns with another program");
  command->footer(R"(Examples:
  muybridge bench step configs/shapes.yaml
  OMP_NUM_THREADS=1 muybridge bench step configs/shapes.yaml train.precision=bf16 --repeats 20)");
  command->callback([arguments] { bench_step(*arguments); });
}

}  // namespace muybridge
