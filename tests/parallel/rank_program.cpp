// A program for tests to run under mpirun: `rank_program <story> <time limit in seconds>`. Rank 1
// does what the story says while the others reduce for ever; a rank that meets an error ends the
// job with the error's code, as muybridge does.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "parallel/world.h"

using namespace muybridge;

namespace {

void act(const std::string& story, World& world) {
  if (story == "dies") raise(SIGKILL);
  if (story == "stalls") raise(SIGSTOP);
  if (story == "aborts") world.abort(ExitCode::kPreempted);
  if (story == "throws") fail(ExitCode::kCorrupt, "rank {} gives up", world.rank());
  if (story == "leaves") std::_Exit(0);
}

void run(const std::string& story, World& world) {
  const Tensor x = Tensor::full({100'000}, 1);
  for (int step = 0; story != "ends" || step < 20; ++step) {
    if (world.rank() == 1 && step == 10) act(story, world);
    world.group()->all_reduce(x).wait();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string story = argv[1];
  try {
    World world({.time_limit_seconds = std::atof(argv[2])});
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
