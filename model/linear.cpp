#include "model/linear.h"

namespace muybridge {

Linear::Linear(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
               const LinearOptions& options)
    : weight(parameters.add({.name = name + ".weight",
                             .shape = {out, in},
                             .init = options.weight,
                             .decay = true,
                             .hidden = options.hidden,
                             .wide = options.wide})),
      bias(parameters.add({.name = name + ".bias", .shape = {out}, .wide = options.wide})) {}

}  // namespace muybridge
