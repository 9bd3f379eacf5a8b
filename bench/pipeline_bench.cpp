// What a pipeline's executor adds to the bubble of its schedules, on more ranks than there are
// cores:
//   mpirun -np 8 --oversubscribe build/release/bench/pipeline_bench [milliseconds] [micro-batches]
// The real executor, groups and messages, but each computation is replayed: the rank sleeps for the
// time that it takes, so that cores are not what is missing. A stage takes `milliseconds` for a
// micro-batch, divided as Wan-1.3B at 32k tokens is; 265 is what an eighth of that model takes at
// 400 TFLOP/s. A message is 1 MB; what one takes between two ranks that sleep meanwhile is measured
// first. Rank 0 prints a line of JSON a schedule: the bubble of the simulator where messages are
// free, where they take that time, and that of the execution, the share of all ranks' time from the
// common start to the last end in which a rank did not compute; medians over the steps.
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

// From a send to the end of the wait for it, between ranks 0 and 1, all others silent.
double message_seconds(Group& group) {
  constexpr int kTurns = 41;
  constexpr std::chrono::milliseconds kCompute{5};
  const Tensor message = Tensor::zeros({kMessageFloats}), room = Tensor::empty({kMessageFloats});
  const int rank = group.rank(), other = 1 - rank;
  std::vector<double> turns;
  for (int turn = 0; turn < kTurns && rank < 2; ++turn) {
    const Work arrival = group.exchange({}, {{other, room}}).received;
    if (rank == 1) arrival.wait();
    std::this_thread::sleep_for(kCompute);
    const auto begin = Clock::now();
    const Work departure = group.exchange({{other, message}}, {}).sent;
    if (rank == 0) arrival.wait();
    // The other one slept, too.
    const double both = seconds_since(begin) - std::chrono::duration<double>(kCompute).count();
    turns.push_back(std::max(0.0, both / 2));
    departure.wait();
  }
  const Tensor result = Tensor::full({1}, static_cast<float>(rank == 0 ? median(turns) : 0));
  group.broadcast(result, 0).wait();
  return static_cast<double>(result.data<float>()[0]);
}

void measure(World& world, ScheduleKind kind, int chunks, double seconds, int micro_batches,
             double message) {
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
  PipelineCosts dear = costs;
  dear.communication = message;
  const double free = simulate(schedule, costs).bubble, simulated = simulate(schedule, dear).bubble;
  const double executed = median(bubbles);
  if (world.rank() != 0) return;
  std::printf(
      "{\"schedule\": \"%s\", \"ranks\": %d, \"chunks\": %d, \"micro_batches\": %d, "
      "\"stage_ms\": %g, \"message_ms\": %.3f, \"simulated_messages_free\": %.4f, \"simulated\": "
      "%.4f, \"executed\": %.4f, \"executed_over_free\": %.3f, \"executed_over_simulated\": "
      "%.3f}\n",
      std::string(to_string(kind)).c_str(), world.size(), chunks, micro_batches, seconds * 1e3,
      message * 1e3, free, simulated, executed, executed / free, executed / simulated);
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
  const double message = message_seconds(*world.group());
  for (const auto& [kind, chunks] :
       std::initializer_list<std::pair<ScheduleKind, int>>{{ScheduleKind::kGpipe, 1},
                                                           {ScheduleKind::k1F1B, 1},
                                                           {ScheduleKind::kInterleaved, 2},
                                                           {ScheduleKind::kInterleaved, 4},
                                                           {ScheduleKind::kZbH1, 1},
                                                           {ScheduleKind::kZbV, 2},
                                                           {ScheduleKind::kTuned, 2},
                                                           {ScheduleKind::kTuned, 4}})
    measure(world, kind, chunks, seconds, micro_batches, message);
  return 0;
}
