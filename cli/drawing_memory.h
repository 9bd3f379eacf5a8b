#pragma once

#include <cstdint>

#include "eval/render.h"
#include "parallel/world.h"
#include "train/weights/loaded_model.h"

namespace muybridge {

// Whether this machine can hold its ranks while they draw so many clips with a model that is not
// loaded yet: warns where it is tight. Throws Error(kUsage) where it cannot.
void require_memory_to_draw(const LoadedModel& model, const RenderOptions& options,
                            std::int64_t clips, const World& world);

}  // namespace muybridge
