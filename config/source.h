#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/tree.h"

namespace muybridge {

// Reads a file of at most 1 MB, laid on the one that its top-level `base:` names (a path relative
// to the file). Throws Error(kUsage) where a file cannot be read or is not YAML.
ConfigNode read_config_file(const std::filesystem::path& file, ConfigMistakes& mistakes);

// Lays "a.b=c" on the tree. The value is taken as it stands; one that opens with a bracket, brace
// or quote is YAML: "model.patch=[1, 2, 2]".
void apply_override(const std::string& text, ConfigNode& tree, ConfigMistakes& mistakes);

}  // namespace muybridge
