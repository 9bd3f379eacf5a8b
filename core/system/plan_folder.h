#pragma once

#include <filesystem>

namespace muybridge {

// Where plans that libraries compiled for this machine's devices are kept between runs:
// $XDG_CACHE_HOME/muybridge/plans, else ~/.cache/muybridge/plans; empty where there is neither.
std::filesystem::path plan_folder();

}  // namespace muybridge
