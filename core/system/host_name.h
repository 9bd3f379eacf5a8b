#pragma once

#include <string>

namespace muybridge {

// Of this machine, as its system knows it.
std::string host_name();

}  // namespace muybridge
