#include "cli/weights_options.h"

namespace muybridge {

void add_weights_options(const Command& command, bool& raw, bool& ema) {
  const Option averaged = command.add_flag(
      "--ema", ema, "Use the averaged weights; the default wherever there are any");
  command.add_flag("--raw", raw, "Use the weights of the last step, not their average")
      .excludes(averaged);
}

WeightsChoice weights_choice(bool raw, bool ema) {
  if (raw) return WeightsChoice::kRaw;
  return ema ? WeightsChoice::kAveraged : WeightsChoice::kBest;
}

}  // namespace muybridge
