// How fast gradients travel and what that costs the computation beside them:
//   mpirun -np 2 --bind-to core build/release/bench/allreduce_bench
// Rank 0 prints a line of JSON a case. `waiting`: the rank does nothing else; MPI's own collectives
// take turns with ours, and what is printed are medians over the turns, in microseconds, and the
// median of ours over theirs, turn by turn. `computing`: it
// computes until the tensors are there. `late`: it computes while the others come 0.3 s late.
// `communication_cpu` is the share of a core that all but the computing thread took meanwhile.
#define OMPI_SKIP_MPICXX 1  // the C API alone
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "core/random.h"
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

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// MPI may be called from here, for nothing of ours is under way meanwhile.
void iallreduce(const Tensor& x) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, x.raw(), static_cast<int>(x.numel()), MPI_FLOAT, MPI_SUM,
                 MPI_COMM_WORLD, &request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
}

void allreduce(const Tensor& x) {
  MPI_Allreduce(MPI_IN_PLACE, x.raw(), static_cast<int>(x.numel()), MPI_FLOAT, MPI_SUM,
                MPI_COMM_WORLD);
}

Tensor random_numbers(int rank, std::int64_t n) {
  const Tensor x = Tensor::empty({n});
  const RandomStream draw(static_cast<std::uint64_t>(rank), Purpose::kTest);
  for (std::int64_t i = 0; i < n; ++i)
    x.data<float>()[i] = static_cast<float>(draw.uniform(static_cast<std::uint64_t>(i)));
  return x;
}

void require_equal(const Tensor& ours, const Tensor& theirs) {
  for (std::int64_t i = 0; i < ours.numel(); ++i) {
    const float a = ours.data<float>()[i];
    const float b = theirs.data<float>()[i];
    if (std::abs(a - b) <= 1e-5F * std::abs(b)) continue;
    std::fprintf(stderr, "element %lld of %lld is %g, MPI has %g\n", static_cast<long long>(i),
                 static_cast<long long>(ours.numel()), a, b);
    std::exit(1);
  }
}

void measure_waiting(World& world, std::int64_t bytes) {
  const Tensor given = random_numbers(world.rank(), bytes / 4);
  const Tensor x = given.clone();
  const std::array<std::function<void()>, 3> ways = {[&] { world.group()->all_reduce(x).wait(); },
                                                     [&] { iallreduce(x); }, [&] { allreduce(x); }};
  Tensor first;
  for (const auto& way : ways) {
    x.copy_from(given);
    way();
    if (first.defined()) require_equal(first, x);
    first = x.clone();
  }
  const int turns = 31;
  const auto rounds = static_cast<int>(std::clamp<std::int64_t>((4 << 20) / bytes, 1, 200));
  std::array<std::vector<double>, 3> microseconds;
  for (int turn = 0; turn < turns; ++turn)
    for (std::size_t which = 0; which < ways.size(); ++which) {
      x.copy_from(given);  // sums must not grow to infinity
      MPI_Barrier(MPI_COMM_WORLD);
      ways[which]();
      const auto begin = Clock::now();
      for (int round = 0; round < rounds; ++round) ways[which]();
      microseconds[which].push_back(seconds_since(begin) / rounds * 1e6);
    }
  std::array<std::vector<double>, 3> ratios;
  for (std::size_t which = 1; which < 3; ++which)
    for (int turn = 0; turn < turns; ++turn)
      ratios[which].push_back(microseconds[0][turn] / microseconds[which][turn]);
  if (world.rank() == 0)
    std::printf(
        "{\"case\": \"waiting\", \"ranks\": %d, \"bytes\": %lld, \"ours\": %.1f, "
        "\"MPI_Iallreduce\": %.1f, \"MPI_Allreduce\": %.1f, \"over_MPI_Iallreduce\": %.2f, "
        "\"over_MPI_Allreduce\": %.2f, \"gb_per_second\": %.3f}\n",
        world.size(), static_cast<long long>(bytes), median(microseconds[0]),
        median(microseconds[1]), median(microseconds[2]), median(ratios[1]), median(ratios[2]),
        static_cast<double>(bytes) / median(microseconds[0]) / 1e3);
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
  if (world.size() == 1) {
    std::fprintf(stderr, "one rank has nobody to exchange with: start it under mpirun -np 2\n");
    return 2;
  }
  for (const std::int64_t bytes : {4, 64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20,
                                   4 << 20, 16 << 20, 64 << 20})
    measure_waiting(world, bytes);
  for (const std::int64_t bytes : {64 << 10, 1 << 20, 4 << 20}) measure_computing(world, bytes, 0);
  measure_computing(world, 4 << 20, 0.3);
  return 0;
}
