#pragma once

#include <memory>

#include "parallel/host/transport.h"

namespace muybridge {

// Initialises MPI on the calling thread, which must make all later calls. Once per process.
// Errors of MPI are Error(kInternal) that says the call, the place and the rank.
std::unique_ptr<Transport> make_mpi_transport();

}  // namespace muybridge
