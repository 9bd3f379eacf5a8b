#include "train/plan/layout.h"

#include "core/error.h"
#include "model/dit_parallel.h"
#include "train/model_options.h"

namespace muybridge {

Layout layout_of(const TrainConfig& config, int ranks) {
  Layout layout{.sizes = resolve(mesh_sizes(config), ranks),
                .schedule = config.parallel.schedule,
                .placement = placement_of(config),
                .zero = config.parallel.zero,
                .recompute = dit_options(config).recompute};
  require_layout(dit_options(config), layout.sizes, layout.placement, config.batch.tokens);
  return layout;
}

bool can_be(const Layout& layout, const DitOptions& model, std::int64_t batch_rows) {
  return layout_mistakes(model, layout.sizes, layout.placement, batch_rows).empty();
}

std::string short_name(const Layout& layout) {
  const MeshSizes& s = layout.sizes;
  std::string name = fmt::format("data {} tensor {} context {} pipeline {}", s.data, s.tensor,
                                 s.context, s.pipeline);
  if (s.pipeline > 1) name += fmt::format(" {}", to_string(layout.schedule));
  if (layout.placement.virtual_stages > 1)
    name += fmt::format(" x{}", layout.placement.virtual_stages);
  if (s.ring > 1) name += s.ring < s.context ? fmt::format(" ring {}", s.ring) : " ring";
  if (s.order != kAxes) name += " " + to_string(s.order);
  if (layout.zero > 0) name += fmt::format(" zero {}", layout.zero);
  if (layout.recompute == Recompute::kAttention) name += " recompute attention";
  if (layout.recompute == Recompute::kBlock) name += " recompute";
  return name;
}

std::string overrides_of(const Layout& layout) {
  const MeshSizes& s = layout.sizes;
  std::string text = fmt::format("parallel.data={} parallel.tensor={} parallel.context={}", s.data,
                                 s.tensor, s.context);
  text += fmt::format(" parallel.pipeline={}", s.pipeline);
  // All of it, for the file may say otherwise.
  text += fmt::format(" parallel.schedule={} parallel.virtual_stages={}",
                      to_string(s.pipeline > 1 ? layout.schedule : ScheduleKind::k1F1B),
                      s.pipeline > 1 ? layout.placement.virtual_stages : 0);
  text += fmt::format(" parallel.context_method={} parallel.ring={}",
                      layout.ring() ? "ring" : "ulysses", layout.ring() ? s.ring : 0);
  text += fmt::format(" parallel.order={}", to_string(s.order));
  text +=
      fmt::format(" parallel.zero={} model.recompute={}", layout.zero, to_string(layout.recompute));
  return text;
}

}  // namespace muybridge
