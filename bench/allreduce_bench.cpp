// How fast gradients travel and what that costs the computation beside them:
//   mpirun -np 2 --bind-to core build/release/bench/allreduce_bench
// Rank 0 prints a line of JSON a case. `waiting`: the rank does nothing else. `computing`: it
// computes until the tensors are there. `late`: it computes while the others come 0.3 s late.
// `communication_cpu` is the share of a core that all but the computing thread took meanwhile.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>
#include <vector>

#include "parallel/world.h"

using namespace muybridge;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double cpu_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// CPU time of all threads but the calling one.
double other_cpu_seconds() {
  return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
}

// About 20 microseconds of arithmetic that stays in the nearest cache.
void compute(std::vector<float>& x) {
  for (int pass = 0; pass < 64; ++pass)
    for (float& value : x) value = value * 0.999F + 0.001F;
}

void measure_waiting(World& world, std::int64_t bytes) {
  const Tensor x = Tensor::zeros({bytes / 4});
  const int rounds = bytes >= 1 << 20 ? 50 : 500;
  for (int warm = 0; warm < 5; ++warm) world.group()->all_reduce(x).wait();
  world.group()->barrier().wait();
  const auto begin = Clock::now();
  for (int round = 0; round < rounds; ++round) world.group()->all_reduce(x).wait();
  const double seconds = seconds_since(begin) / rounds;
  if (world.rank() == 0)
    std::printf(
        "{\"case\": \"waiting\", \"ranks\": %d, \"bytes\": %lld, \"microseconds\": %.1f, "
        "\"gb_per_second\": %.3f}\n",
        world.size(), static_cast<long long>(bytes), seconds * 1e6,
        static_cast<double>(bytes) / seconds / 1e9);
}

void measure_computing(World& world, std::int64_t bytes, double late_seconds) {
  const Tensor x = Tensor::zeros({bytes / 4});
  std::vector<float> work(4096, 1.0F);
  const int rounds = late_seconds > 0 ? 5 : 50;
  double seconds = 0;
  double other_cpu = 0;
  for (int round = 0; round < rounds; ++round) {
    world.group()->barrier().wait();
    for (int piece = 0; piece < 500; ++piece) compute(work);  // as in the midst of a backward pass
    if (world.rank() > 0) std::this_thread::sleep_for(std::chrono::duration<double>(late_seconds));
    const double cpu_before = other_cpu_seconds();
    const auto begin = Clock::now();
    const Work under_way = world.group()->all_reduce(x);
    while (!under_way.done()) compute(work);
    seconds += seconds_since(begin) / rounds;
    other_cpu += (other_cpu_seconds() - cpu_before) / rounds;
  }
  if (world.rank() == 0)
    std::printf(
        "{\"case\": \"%s\", \"ranks\": %d, \"bytes\": %lld, \"microseconds\": %.1f, "
        "\"communication_cpu\": %.3f}\n",
        late_seconds > 0 ? "late" : "computing", world.size(), static_cast<long long>(bytes),
        seconds * 1e6, other_cpu / seconds);
}

}  // namespace

int main() {
  World world;
  for (const std::int64_t bytes : {4, 4 << 10, 64 << 10, 1 << 20, 4 << 20, 16 << 20})
    measure_waiting(world, bytes);
  for (const std::int64_t bytes : {64 << 10, 1 << 20, 4 << 20}) measure_computing(world, bytes, 0);
  measure_computing(world, 4 << 20, 0.3);
  return 0;
}
