#pragma once

#include <string>

namespace muybridge {

// The HDF5 library this program runs with, such as "1.10.8".
std::string hdf5_version();

}  // namespace muybridge
