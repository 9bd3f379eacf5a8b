#pragma once

#include <string>

namespace muybridge {

// The MPI library this program runs with, such as "Open MPI v4.1.4". May be asked at any time.
std::string mpi_version();

}  // namespace muybridge
