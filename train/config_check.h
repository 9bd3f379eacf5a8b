#pragma once

#include "config/reader.h"
#include "train/config.h"

namespace muybridge {

// The rules between keys: refuses each that is broken where it was written.
void check_config(ConfigReader& reader, const TrainConfig& config);

}  // namespace muybridge
