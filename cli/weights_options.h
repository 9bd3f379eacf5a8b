#pragma once

#include "cli/command_line.h"
#include "train/weights/loaded_model.h"

namespace muybridge {

// --raw and --ema, the same wherever a model is loaded. At most one of them.
void add_weights_options(const Command& command, bool& raw, bool& ema);
WeightsChoice weights_choice(bool raw, bool ema);

}  // namespace muybridge
