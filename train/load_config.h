#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/config.h"

namespace muybridge {

// Reads a configuration and checks it whole: types and limits, rules between keys, whether the
// model can be shared so. Throws Error(kUsage) that names every mistake and its place.
TrainConfig load_train_config(const std::filesystem::path& file,
                              const std::vector<std::string>& overrides = {});

// The same for the text of a resolved configuration, such as a checkpoint's; messages call it
// `source`.
TrainConfig parse_train_config(const std::string& text, const std::string& source,
                               const std::vector<std::string>& overrides = {});

}  // namespace muybridge
