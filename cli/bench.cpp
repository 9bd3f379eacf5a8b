#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/bench_dry_run.h"
#include "cli/bench_jobs.h"
#include "cli/commands.h"
#include "core/cuda/recorder.h"
#include "core/cuda/runtime.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/machine.h"
#include "parallel/values.h"
#include "parallel/world.h"
#include "train/checks/preflight.h"
#include "train/checks/require_memory.h"
#include "train/load_config.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
  int repeats = 10;
  bool json = false;
  bool interactive = false;
  bool dry_run = false;
};

void run_to_end(BenchJob& job, Device device) {
  job.run();
  if (device == Device::kCuda) cuda::synchronize();
}

// Of the slowest rank.
double seconds_of(BenchJob& job, Device device, Group& group) {
  group.barrier().wait();
  const auto begin = std::chrono::steady_clock::now();
  run_to_end(job, device);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return all_reduce_value(group, seconds, Reduce::kMax);
}

// The driver of bench/compare.py.
void run_when_told(BenchJob& job, Device device, Group& group) {
  const bool reads = group.rank() == 0;
  if (reads) fmt::print("ready {:.0f}\n", job.flops());
  std::fflush(stdout);
  for (;;) {
    std::string line;
    const bool told = reads && std::getline(std::cin, line);
    if (all_reduce_value(group, told ? 1 : 0, Reduce::kMax) == 0) return;
    const double seconds = seconds_of(job, device, group);
    if (reads) fmt::print("{:.9f}\n", seconds);
    std::fflush(stdout);
  }
}

void print_figures(const Arguments& arguments, const BenchJob& job, const World& world,
                   const std::vector<double>& sorted, double peak_bytes, std::uint64_t allocations,
                   std::optional<double> exposed) {
  const double median = sorted[sorted.size() / 2];
  const double tokens_per_second = static_cast<double>(job.tokens()) / median;
  if (arguments.json) {
    nlohmann::ordered_json figures = {
        {"seconds_median", median},      {"seconds_min", sorted.front()},
        {"tokens", job.tokens()},        {"tokens_per_second", tokens_per_second},
        {"ranks", world.size()},         {"threads", omp_get_max_threads()},
        {"peak_pool_bytes", peak_bytes}, {"allocations_after_first_step", allocations}};
    if (job.flops() > 0) figures["gflops"] = job.flops() / median * 1e-9;
    if (exposed) figures["exposed_communication"] = *exposed / median;
    fmt::print("{}\n", figures.dump(2));
    return;
  }
  fmt::print("{} tokens, {}{} threads: median {:.1f} ms, best {:.1f} ms, {:.0f} tokens/s",
             job.tokens(), world.size() > 1 ? fmt::format("{} ranks of ", world.size()) : "",
             omp_get_max_threads(), median * 1e3, sorted.front() * 1e3, tokens_per_second);
  if (job.flops() > 0) fmt::print(", {:.1f} GFLOP/s", job.flops() / median * 1e-9);
  if (exposed) fmt::print(", {:.1f}% waiting for sums of gradients", 100 * *exposed / median);
  fmt::print("\nmemory pool: {:.1f} MB at most, {} system allocations after the first run\n",
             peak_bytes * 1e-6, allocations);
}

void run_bench(const Arguments& arguments, const BenchKind& kind) {
  TrainConfig config = load_train_config(arguments.file, arguments.overrides);
  require_dit(config, kind.reader.command);
  refuse_unread_keys(kind.reader, load_train_config(arguments.file), config);
  if (kind.alone) {
    if (started_by_launcher())
      fail(ExitCode::kUsage, "{} is of one rank; start it without mpirun", kind.reader.command);
    config.parallel = {};
  }
  if (arguments.dry_run) {
    if (started_by_launcher())
      fail(ExitCode::kUsage, "--dry-run is of one rank; start it without mpirun");
    if (compute_dtype(config) != DType::kBF16)
      fail(ExitCode::kUsage, "--dry-run knows rates of bf16 alone; set train.precision=bf16");
    config.device = TrainConfig::DeviceChoice::kCuda;
    cuda::record_instead_of_computing();
  }
  World world({.time_limit_seconds = kNoTimeLimit});
  set_log_rank(world.rank(), world.size());
  Group& group = *world.group();
  const Device device = take_device(config, world);
  // Of a dry run there is no device to hold, and what is asked for is never all there.
  const std::string warning = arguments.dry_run
                                  ? ""
                                  : require_memory(config, kind.memory(config, world.size()), world,
                                                   "lower batch.tokens or model.*");
  if (!warning.empty() && world.local_rank() == 0) log_warning("{}", warning);
  omp_set_num_threads(config.threads > 0 ? config.threads : world.threads());
  const std::unique_ptr<BenchJob> job = kind.make(config, world);
  run_to_end(*job, device);
  if (arguments.dry_run) return print_dry_run(*job, arguments.json);
  const std::uint64_t before = pool_statistics(device).system_allocations;
  run_to_end(*job, device);
  if (arguments.interactive) return run_when_told(*job, device, group);

  // The rank that comes last waits for the messages alone, the others for it, too.
  std::vector<double> seconds, exposed;
  for (int i = 0; i < arguments.repeats; ++i) {
    seconds.push_back(seconds_of(*job, device, group));
    if (const std::optional<double> waited = job->exposed(); waited && world.size() > 1)
      exposed.push_back(-all_reduce_value(group, -*waited, Reduce::kMax));
  }
  std::ranges::sort(seconds);
  std::ranges::sort(exposed);
  const PoolStatistics pool = pool_statistics(device);
  const double peak = all_reduce_value(group, static_cast<double>(pool.peak_bytes), Reduce::kMax);
  if (world.rank() > 0) return;
  print_figures(arguments, *job, world, seconds, peak, pool.system_allocations - before,
                exposed.empty() ? std::optional<double>() : exposed[exposed.size() / 2]);
}

void add(Command bench, const std::string& name, const std::string& description,
         const std::string& examples, BenchKind (*kind)()) {
  const Command command = bench.add_command(name, description);
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "YAML configuration of a run").required();
  command.add_option("a.b=c", arguments->overrides, "Values that replace the file's");
  command.add_option("--repeats", arguments->repeats, "Runs to time").show_default().above(0);
  command.add_flag("--json", arguments->json, "Print the figures as JSON");
  command.add_flag("--dry-run", arguments->dry_run,
                   "Run nothing: say what a run asks of a GPU, and what that takes at least");
  command.add_flag("--interactive", arguments->interactive,
                   "Run once for each line of standard input and print its seconds: for "
                   "measuring in turns with another program");
  command.footer("Examples:\n" + examples);
  command.run([arguments, kind] { run_bench(*arguments, kind()); });
}

}  // namespace

void add_bench_command(const Command& program) {
  const Command bench = program.add_command("bench", "Measure this machine's speed");
  bench.needs_command();
  bench.footer(R"(Examples:
  muybridge bench step configs/shapes.yaml
  muybridge bench sample configs/shapes.yaml)");
  add(bench, "step", "Time train steps on random clips, in any layout of ranks",
      R"(  muybridge bench step configs/shapes.yaml
  mpirun -np 2 muybridge bench step configs/shapes.yaml parallel.tensor=2
  OMP_NUM_THREADS=1 muybridge bench step configs/shapes.yaml train.precision=bf16 --repeats 20)",
      step_bench);
  add(bench, "sample", "Time the sampler of eval.* on a batch of clips",
      R"(  muybridge bench sample configs/shapes.yaml
  muybridge bench sample configs/shapes.yaml eval.steps=4 eval.solver=euler batch.tokens=2048)",
      sample_bench);
  add(bench, "matmul", "Time the matrix products of a train step's linear layers alone",
      R"(  muybridge bench matmul configs/shapes.yaml
  muybridge bench matmul configs/dit-1.3b.yaml model.depth=1 batch.tokens=4096)",
      matmul_bench);
}

}  // namespace muybridge
