#pragma once

#include <string>

namespace muybridge {

// Cores that the ranks of this machine might use: those of this process and of the launcher that
// started and perhaps bound it, within what a container grants.
int cores_to_share();

// What to say when `ranks` of `threads` leave some of `cores` idle, with the options of mpirun that
// use them; empty where they do not.
std::string idle_cores_advice(int ranks, int threads, int cores);

}  // namespace muybridge
