#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace muybridge {

// For a path that is not there: "; did you mean prepared/shapes?", the one that is spelled most
// like it among the others that `fits` accepts, in its own folder and in `folders`. Empty where
// none is near. Never throws for what it cannot look into.
std::string did_you_mean(const std::filesystem::path& wanted,
                         const std::function<bool(const std::filesystem::path&)>& fits,
                         const std::vector<std::filesystem::path>& folders = {});

}  // namespace muybridge
