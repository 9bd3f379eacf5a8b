// A program for tests to run under mpirun: `rank_program <story> <time limit in seconds>
// <liveness in seconds>`. Rank 1 does what the story says while the others reduce for ever; a rank
// that meets an error ends the job with the error's code, as muybridge does.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/error.h"
#include "core/log.h"
#include "parallel/world.h"

using namespace muybridge;

namespace {

// What a rank that computes is in, without a word to others.
__attribute__((noinline)) void think(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

void act(const std::string& story, World& world) {
  if (story == "dies") raise(SIGKILL);
  if (story == "stalls") raise(SIGSTOP);
  if (story == "hangs") {
    world.activity().begin(Section::kCompute);
    world.activity().set_patience(1);
    think(1e6);
  }
  if (story == "evaluates") {
    world.activity().begin(Section::kEvaluation);
    world.activity().set_patience(1);
    think(6);
    world.activity().begin(Section::kCompute);
  }
  if (story == "aborts") world.abort(ExitCode::kPreempted);
  if (story == "throws") fail(ExitCode::kCorrupt, "rank {} gives up", world.rank());
  if (story == "leaves") std::_Exit(0);
}

void run(const std::string& story, World& world) {
  const Tensor x = Tensor::full({100'000}, 1);
  const bool ends = story == "ends" || story == "evaluates";
  for (int step = 0; !ends || step < 20; ++step) {
    if (world.rank() == 1 && step == 10) act(story, world);
    world.group()->all_reduce(x).wait();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string story = argv[1];
  try {
    World world({.time_limit_seconds = std::atof(argv[2]), .liveness_seconds = std::atof(argv[3])});
    set_log_rank(world.rank(), world.size());
    set_log_level(LogLevel::kDebug);
    try {
      run(story, world);
    } catch (const Error& error) {
      std::fprintf(stderr, "rank %d: %s\n", world.rank(), error.what());
      if (story == "throws") throw;
      world.abort(error.code());
    }
    std::printf("rank %d of %d, %d of %d on this machine, %d threads\n", world.rank(), world.size(),
                world.local_rank(), world.local_size(), world.threads());
    return 0;
  } catch (const Error& error) {
    return static_cast<int>(error.code());
  }
}
