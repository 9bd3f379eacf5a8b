#pragma once

#include <CLI/CLI.hpp>

namespace muybridge {

// Reads the command line, runs the command, and gives the exit code of the process: 0 also for
// --help (which a bare "muybridge" or "muybridge checkpoint" means too) and --version; a mistake in
// the command line, 2; an Error, its own; anything else, 70. Under mpirun all ranks make the same
// mistake: rank 0 tells it, the others only if it does not.
int run_program(CLI::App& program, int argc, char** argv);

}  // namespace muybridge
