// How fast gradients travel and what that costs the computation beside it:
//   mpirun -np 2 --bind-to core build/release/bench/allreduce_bench
// Rank 0 prints a line of JSON a case. `waiting`: the rank does nothing else. `computing`: it
// computes until the tensors are there; `communication_cpu` is the share of a core that everything
// but the computing thread took meanwhile, `slowdown` what the computation lost.
#include <time.h>

#include <chrono>
#include <cstdio>
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

// A fixed amount of arithmetic that stays in the nearest cache; about 20 microseconds.
void compute(std::vector<float>& x) {
  for (int pass = 0; pass < 64; ++pass)
    for (float& value : x) value = value * 0.999F + 0.001F;
}

void measure_waiting(World& world, std::int64_t bytes) {
  const Tensor x = Tensor::zeros({bytes / 4});
  const int rounds = bytes >= 1 << 20 ? 50 : 500;
  double seconds = 0;
  for (int round = -5; round < rounds; ++round) {
    if (round == 0) {
      world.group()->barrier().wait();
      seconds = -seconds_since({});
    }
    world.group()->all_reduce(x).wait();
  }
  seconds = (seconds + seconds_since({})) / rounds;
  if (world.rank() == 0)
    std::printf(
        "{\"case\": \"waiting\", \"ranks\": %d, \"bytes\": %lld, \"microseconds\": %.1f, "
        "\"gb_per_second\": %.3f}\n",
        world.size(), static_cast<long long>(bytes), seconds * 1e6,
        static_cast<double>(bytes) / seconds / 1e9);
}

void measure_computing(World& world, std::int64_t bytes) {
  const Tensor x = Tensor::zeros({bytes / 4});
  std::vector<float> work(4096, 1.0F);
  constexpr int kPieces = 2000;
  for (int piece = 0; piece < kPieces; ++piece) compute(work);
  world.group()->barrier().wait();
  const auto alone = Clock::now();
  for (int piece = 0; piece < kPieces; ++piece) compute(work);
  const double piece_seconds = seconds_since(alone) / kPieces;

  constexpr int kRounds = 30;
  world.group()->barrier().wait();
  const double process_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const double thread_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  const auto begin = Clock::now();
  std::int64_t pieces = 0;
  for (int round = 0; round < kRounds; ++round)
    for (const Work done = world.group()->all_reduce(x); !done.done(); ++pieces) compute(work);
  const double seconds = seconds_since(begin);
  const double other_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_cpu -
                           (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - thread_cpu);
  if (world.rank() == 0)
    std::printf(
        "{\"case\": \"computing\", \"ranks\": %d, \"bytes\": %lld, \"microseconds\": %.1f, "
        "\"communication_cpu\": %.3f, \"slowdown\": %.3f}\n",
        world.size(), static_cast<long long>(bytes), seconds / kRounds * 1e6, other_cpu / seconds,
        1 - static_cast<double>(pieces) * piece_seconds / seconds);
}

}  // namespace

int main() {
  World world;
  for (const std::int64_t bytes : {4, 4 << 10, 64 << 10, 1 << 20, 4 << 20, 16 << 20})
    measure_waiting(world, bytes);
  for (const std::int64_t bytes : {64 << 10, 1 << 20, 4 << 20}) measure_computing(world, bytes);
  return 0;
}
