#include "train/plan/layout.h"

#include "core/error.h"
#include "model/dit_parallel.h"
#include "train/model_options.h"

namespace muybridge {

const char* name_of(Recompute recompute) {
  constexpr const char* kNames[] = {"none", "attention", "block"};
  return kNames[static_cast<int>(recompute)];
}

Layout layout_of(const TrainConfig& config, int ranks) {
  Layout layout{.sizes = resolve(mesh_sizes(config), ranks),
                .schedule = config.parallel.schedule,
                .placement = placement_of(config),
                .zero = config.parallel.zero,
                .recompute = dit_options(config).recompute};
  require_layout(layout, dit_options(config), config.batch.tokens);
  return layout;
}

void require_layout(const Layout& layout, const DitOptions& model, std::int64_t batch_rows) {
  require_layout(model, layout.sizes, layout.placement, batch_rows);
}

bool can_be(const Layout& layout, const DitOptions& model, std::int64_t batch_rows) {
  try {
    require_layout(layout, model, batch_rows);
    return true;
  } catch (const Error& error) {
    if (error.code() != ExitCode::kUsage) throw;
    return false;
  }
}

std::string overrides_of(const Layout& layout) {
  const MeshSizes& s = layout.sizes;
  std::string text = fmt::format("parallel.data={} parallel.tensor={} parallel.context={}", s.data,
                                 s.tensor, s.context);
  text += fmt::format(" parallel.pipeline={}", s.pipeline);
  if (s.pipeline > 1)
    text += fmt::format(" parallel.schedule={} parallel.virtual_stages={}",
                        to_string(layout.schedule), layout.placement.virtual_stages);
  if (layout.ring()) text += fmt::format(" parallel.context_method=ring parallel.ring={}", s.ring);
  text +=
      fmt::format(" parallel.zero={} model.recompute={}", layout.zero, name_of(layout.recompute));
  return text;
}

LayoutChoices layout_choices() {
  return {.zero = {0, 1, 3},
          .ring = {false, true},
          .recompute = {Recompute::kNone, Recompute::kAttention, Recompute::kBlock}};
}

}  // namespace muybridge
