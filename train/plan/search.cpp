#include "train/plan/search.h"

#include <algorithm>

#include "core/error.h"

namespace muybridge {
namespace {

struct Kind {
  ScheduleKind schedule;
  int virtual_stages;
};

std::vector<Kind> kinds(int stages, int depth) {
  if (stages == 1) return {{ScheduleKind::k1F1B, 1}};
  std::vector<Kind> all = {
      {ScheduleKind::k1F1B, 1}, {ScheduleKind::kZbH1, 1}, {ScheduleKind::kZbV, 2}};
  constexpr int kMostChunks = 5;
  for (int chunks = 2; chunks <= std::min(kMostChunks, depth / stages); ++chunks) {
    all.push_back({ScheduleKind::kInterleaved, chunks});
    all.push_back({ScheduleKind::kTuned, chunks});
  }
  return all;
}

// All the numbers that divide `ranks`, ascending.
std::vector<int> divisors(int ranks) {
  std::vector<int> found;
  for (int i = 1; i <= ranks; ++i)
    if (ranks % i == 0) found.push_back(i);
  return found;
}

template <class Visit>
void for_each_layout(const Workload& work, int ranks, const AxisOrder& order, const Visit& visit) {
  const std::vector<int> sizes = divisors(ranks);
  for (const int tensor : sizes)
    for (const int context : sizes)
      for (const int pipeline : sizes) {
        const std::int64_t model = std::int64_t{tensor} * context * pipeline;
        if (model > ranks || ranks % model != 0 || pipeline > work.model.depth) continue;
        MeshSizes mesh{.data = static_cast<int>(ranks / model),
                       .tensor = tensor,
                       .context = context,
                       .pipeline = pipeline,
                       .order = order};
        for (const bool ring : {false, true}) {
          if (ring && context == 1) continue;
          mesh.ring = ring ? context : 1;
          if (!can_be({.sizes = mesh, .placement = {.stages = pipeline}}, work.model,
                      work.batch.tokens))
            continue;
          for (const Kind& kind : kinds(pipeline, work.model.depth))
            for (const int zero : {0, 1, 3})
              for (const Recompute recompute :
                   {Recompute::kNone, Recompute::kAttention, Recompute::kBlock})
                visit({.sizes = mesh,
                       .schedule = kind.schedule,
                       .placement = placement_of(kind.schedule, pipeline, kind.virtual_stages),
                       .zero = zero,
                       .recompute = recompute});
        }
      }
}

}  // namespace

SearchResult search_layouts(StepModel& model, const SearchOptions& options) {
  const Workload& work = model.workload();
  SearchResult result;
  std::vector<Estimate> outlines;
  for_each_layout(work, model.cluster().ranks(), options.order, [&](const Layout& layout) {
    if (!can_be(layout, work.model, work.batch.tokens)) return;
    ++result.considered;
    Estimate outline = model.outline(layout);
    if (outline.fits) outlines.push_back(std::move(outline));
  });
  result.fitting = static_cast<int>(outlines.size());
  std::ranges::stable_sort(outlines, {}, [](const Estimate& e) { return e.seconds(); });

  const int before = model.simulated();
  int tuned = 0;
  for (const Estimate& outline : outlines) {
    if (model.simulated() - before >= options.simulations) break;
    // What even by the formulas is slower than all that is wanted cannot come among them.
    if (std::ssize(result.best) >= options.best &&
        outline.seconds() > result.best[static_cast<std::size_t>(options.best) - 1].seconds())
      break;
    if (outline.layout.schedule == ScheduleKind::kTuned && ++tuned > options.tuned) continue;
    Estimate estimate = model.estimate(outline.layout);
    if (!estimate.fits) continue;
    result.best.push_back(std::move(estimate));
    std::ranges::stable_sort(result.best, {}, [](const Estimate& e) { return e.seconds(); });
  }
  if (std::ssize(result.best) > options.best)
    result.best.resize(static_cast<std::size_t>(options.best));
  return result;
}

}  // namespace muybridge
