// What a pipeline's executor adds to the bubble of its schedules, on more ranks than there are
// cores:
//   mpirun -np 8 --oversubscribe build/release/bench/pipeline_bench [milliseconds] [micro-batches]
// The real executor, groups and messages, but each computation is replayed: the rank sleeps for the
// time that it takes, so that cores are not what is missing. A stage takes `milliseconds` for a
// micro-batch, divided as Wan-1.3B at 32k tokens is; 265 is what an eighth of that model takes at
// 400 TFLOP/s. A message is 1 MB. Rank 0 prints a line of JSON a schedule: the bubble of the
// simulator, whose messages take no time, and that of the execution, the share of all ranks' time
// from the common start to the last end in which a rank did not compute; medians over the steps.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "parallel/pipeline_executor.h"
#include "parallel/schedule/schedule.h"
#include "parallel/schedule/simulator.h"
#include "parallel/values.h"
#include "parallel/world.h"

using namespace muybridge;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSteps = 3;
constexpr std::int64_t kMessageFloats = 1 << 18;
// Shares of a micro-batch's time: facts of Wan-1.3B at 32k tokens, as docs/schedules.md has them.
constexpr double kForward = 0.389, kBackwardInput = 0.968, kBackwardWeight = 0.104;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A stage whose computations take their time and nothing else.
class Replay final : public PipelineWork {
 public:
  Replay(const PipelineSchedule& schedule, const PipelineCosts& costs, int rank)
      : place_(schedule.placement), costs_(costs), rank_(rank) {}

  double busy_seconds() const { return busy_; }

  Tensor room(int, bool) override { return Tensor::empty({kMessageFloats}); }
  Tensor forward(int, int chunk, const Tensor&) override {
    spend(cost(chunk).forward);
    return is_last(chunk) ? Tensor() : Tensor::empty({kMessageFloats});
  }
  Tensor backward(int, int chunk, const Tensor&, bool whole) override {
    spend(whole ? cost(chunk).backward() : cost(chunk).backward_input);
    return place_.section_of(rank_, chunk) == 0 ? Tensor() : Tensor::empty({kMessageFloats});
  }
  void backward_weight(int, int chunk) override { spend(cost(chunk).backward_weight); }

 private:
  bool is_last(int chunk) const { return place_.section_of(rank_, chunk) + 1 == place_.sections(); }
  const SectionCost& cost(int chunk) const {
    return costs_.sections[static_cast<std::size_t>(place_.section_of(rank_, chunk))];
  }
  void spend(double seconds) {
    const auto begin = Clock::now();
    std::this_thread::sleep_until(begin + std::chrono::duration<double>(seconds));
    busy_ += seconds_since(begin);
  }

  const Placement place_;
  const PipelineCosts& costs_;
  int rank_;
  double busy_ = 0;
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + std::ssize(values) / 2);
  return values[values.size() / 2];
}

void measure(World& world, ScheduleKind kind, int chunks, double seconds, int micro_batches) {
  const Placement place = placement_of(kind, world.size(), chunks);
  const double unit = seconds / (kForward + kBackwardInput + kBackwardWeight);
  const SectionCost stage{.forward = kForward * unit,
                          .backward_input = kBackwardInput * unit,
                          .backward_weight = kBackwardWeight * unit};
  const PipelineCosts costs = equal_costs(place, stage);
  const PipelineSchedule schedule = make_schedule({.kind = kind,
                                                   .stages = world.size(),
                                                   .virtual_stages = chunks,
                                                   .micro_batches = micro_batches,
                                                   .costs = costs});
  std::vector<double> bubbles;
  for (int step = 0; step < kSteps; ++step) {
    Replay stage_work(schedule, costs, world.rank());
    world.group()->barrier().wait();
    const auto begin = Clock::now();
    run_pipeline(schedule, stage_work, *world.group());
    const double slowest = all_reduce_value(*world.group(), seconds_since(begin), Reduce::kMax);
    const double computed =
        all_reduce_value(*world.group(), stage_work.busy_seconds(), Reduce::kSum);
    bubbles.push_back(1 - computed / (world.size() * slowest));
  }
  const double simulated = simulate(schedule, costs).bubble, executed = median(bubbles);
  if (world.rank() != 0) return;
  std::printf(
      "{\"schedule\": \"%s\", \"ranks\": %d, \"chunks\": %d, \"micro_batches\": %d, "
      "\"stage_ms\": %g, \"simulated\": %.4f, \"executed\": %.4f, \"executed_over_simulated\": "
      "%.3f}\n",
      std::string(to_string(kind)).c_str(), world.size(), chunks, micro_batches, seconds * 1e3,
      simulated, executed, executed / simulated);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const double milliseconds = argc > 1 ? std::atof(argv[1]) : 265;
  const int micro_batches = argc > 2 ? std::atoi(argv[2]) : 32;
  World world;
  if (world.size() == 1 || milliseconds <= 0 || micro_batches <= 0) {
    std::fprintf(stderr,
                 "usage: mpirun -np 2 or more pipeline_bench [milliseconds] [micro-batches]\n");
    return 2;
  }
  const double seconds = milliseconds / 1e3;
  measure(world, ScheduleKind::kGpipe, 1, seconds, micro_batches);
  measure(world, ScheduleKind::k1F1B, 1, seconds, micro_batches);
  measure(world, ScheduleKind::kInterleaved, 2, seconds, micro_batches);
  measure(world, ScheduleKind::kInterleaved, 4, seconds, micro_batches);
  measure(world, ScheduleKind::kZbH1, 1, seconds, micro_batches);
  measure(world, ScheduleKind::kZbV, 2, seconds, micro_batches);
  measure(world, ScheduleKind::kTuned, 2, seconds, micro_batches);
  measure(world, ScheduleKind::kTuned, 4, seconds, micro_batches);
  return 0;
}
