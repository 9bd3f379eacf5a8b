#include "cli/drawing_memory.h"

#include "core/log.h"
#include "train/checks/require_memory.h"
#include "train/model_options.h"

namespace muybridge {

void require_memory_to_draw(const LoadedModel& model, const RenderOptions& options,
                            std::int64_t clips, const World& world) {
  const MeshSizes& layout = model.mesh.sizes();
  const std::int64_t most = (clips + layout.data - 1) / layout.data;  // of a replica
  const std::string warning =
      require_memory(model.config,
                     memory_of_sampling(model.dit.options, layout,
                                        sampled_tokens(model.dit.options, options, most),
                                        model.parameters.held_count(), compute_dtype(model.config)),
                     world, kLessForSampling);
  if (!warning.empty() && world.local_rank() == 0) log_warning("{}", warning);
}

}  // namespace muybridge
