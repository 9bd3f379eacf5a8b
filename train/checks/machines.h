#pragma once

#include <string>
#include <vector>

#include "parallel/mesh.h"

// What is said before the first step of how a job lies on its machines.
namespace muybridge {

// A warning where ranks that share each layer or each clip are on different machines though one has
// room for them, or where a machine has not as many ranks as share one: they talk in every layer.
// `hosts` by rank. Empty where all is well.
std::string scattered_ranks(const MeshSizes& sizes, const std::vector<std::string>& hosts);

// After how many seconds of silence Open MPI gives a machine up, by the variables of its keepalive.
double launcher_patience();

// A warning where mpirun would notice a machine that is gone later than the ranks do: asked by them
// to end the job while it believes in that machine, it waits for it. Empty where it is sooner.
std::string slow_launcher(int machines, double launcher_seconds, double liveness_seconds);

}  // namespace muybridge
