#include "model/linear.h"

#include <cmath>

namespace muybridge {

Linear::Linear(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
               const LinearInit& init)
    : weight(parameters.add({.name = name + ".weight",
                             .shape = {out, in},
                             .init = init.kind,
                             .scale = init.gain * std::sqrt(6.0F / static_cast<float>(in + out)),
                             .decay = true,
                             .hidden = init.hidden,
                             .key = init.key,
                             .values = init.values})),
      bias(parameters.add({.name = name + ".bias", .shape = {out}})) {}

}  // namespace muybridge
