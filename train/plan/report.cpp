#include "train/plan/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;

std::string in_bytes(double bytes) {
  if (std::isinf(bytes)) return "no limit";
  for (const auto& [unit, name] : {std::pair{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}})
    if (bytes >= unit) return fmt::format("{:.1f} {}", bytes / unit, name);
  return fmt::format("{:.0f} KB", bytes / 1e3);
}

// Of a rank; 0 where each has its part.
int idle_replicas(const Estimate& e, const Workload& work) {
  return std::max(0, e.layout.sizes.data - work.micro_batches);
}

std::string describe(const Estimate& e, const StepModel& model) {
  const Chip& chip = model.cluster().chip;
  const Workload& work = model.workload();
  std::string text = fmt::format("  {}\n", short_name(e.layout));
  text += fmt::format("  step {}, {:.0f} tokens/s, MFU {:.1f}%, bubble {:.1f}%\n",
                      in_seconds(e.seconds()), e.tokens_per_second, 100 * e.mfu, 100 * e.bubble);
  if (const int idle = idle_replicas(e, work); idle > 0)
    text += fmt::format(
        "  {} of {} replicas have nothing to do: a step is {} micro-batches; raise "
        "batch.micro_batches\n",
        idle, e.layout.sizes.data, work.micro_batches);
  text += "\n  time of a rank in a step\n";
  for (const Item& item : items(e.step))
    if (item.value > 0)
      text += fmt::format("    {:<38} {:>10} {:>6.1f}%\n", item.about, in_seconds(item.value),
                          100 * item.value / e.seconds());
  text += fmt::format("\n  memory of a rank{}\n",
                      e.layout.sizes.pipeline > 1
                          ? fmt::format(" of stage {}, which needs most", e.largest_stage)
                          : "");
  for (const Item& item : items(e.memory))
    if (item.value > 0)
      text += fmt::format("    {:<38} {:>10}\n", item.about, in_bytes(item.value));
  const double total = e.memory.total() - e.memory.snapshot;
  text += fmt::format("    {:<38} {:>10} of {}{}\n", "all", in_bytes(total), in_bytes(chip.memory),
                      e.fits ? "" : ": DOES NOT FIT");
  if (e.memory.snapshot > 0)
    text += fmt::format("    {:<38} {:>10}\n", "copy that is committed, of the host",
                        in_bytes(e.memory.snapshot));
  text += "\n  sent by a rank in a step               inside its node    to others\n";
  for (const AxisTraffic& axis : e.traffic)
    if (axis.link + axis.network > 0)
      text += fmt::format("    {:<38} {:>12} {:>12}\n", axis.axis, in_bytes(axis.link),
                          in_bytes(axis.network));
  return text;
}

Json as_json(const Estimate& e, const StepModel& model) {
  const MeshSizes& s = e.layout.sizes;
  Json step = Json::object(), memory = Json::object(), traffic = Json::object();
  for (const Item& item : items(e.step)) step[item.key] = item.value;
  for (const Item& item : items(e.memory)) memory[item.key] = item.value;
  memory["total"] = e.memory.total() - e.memory.snapshot;
  memory["snapshot_of_host"] = e.memory.snapshot;
  for (const AxisTraffic& axis : e.traffic)
    traffic[axis.axis] = {{"link", axis.link}, {"network", axis.network}};
  return {{"layout",
           {{"data", s.data},
            {"tensor", s.tensor},
            {"context", s.context},
            {"pipeline", s.pipeline},
            {"schedule", to_string(e.layout.schedule)},
            {"virtual_stages", e.layout.placement.virtual_stages},
            {"context_method", e.layout.ring() ? "ring" : "ulysses"},
            {"ring", s.ring},
            {"order", to_string(s.order)},
            {"zero", e.layout.zero},
            {"recompute", to_string(e.layout.recompute)}}},
          {"overrides", overrides_of(e.layout)},
          {"seconds", e.seconds()},
          {"mfu", e.mfu},
          {"bubble", e.bubble},
          {"tokens_per_second", e.tokens_per_second},
          {"idle_replicas", idle_replicas(e, model.workload())},
          {"fits", e.fits},
          {"step_seconds", step},
          {"memory_bytes", memory},
          {"largest_stage", e.largest_stage},
          {"traffic_bytes", traffic}};
}

}  // namespace

std::string in_seconds(double seconds) {
  if (seconds >= 10) return fmt::format("{:.1f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  return fmt::format("{:.1f} ms", seconds * 1e3);
}

std::string describe_plan(const Estimate& said, const SearchResult& found, const StepModel& model) {
  const Cluster& cluster = model.cluster();
  const Workload& work = model.workload();
  std::string text = fmt::format(
      "{} ranks: {} node{} of {} {}\n{} micro-batches of {} tokens a step ({} clip{} of {}), "
      "{:.3g} operations\n\nAs configured\n",
      cluster.ranks(), cluster.nodes, cluster.nodes == 1 ? "" : "s", cluster.chips_per_node,
      cluster.chip.name, work.micro_batches, work.batch.tokens, work.batch.clips,
      work.batch.clips == 1 ? "" : "s", work.clip_tokens, work.micro_batches * work.operations());
  text += describe(said, model);
  text += fmt::format("\nBest of {} layouts, of which {} fit\n", found.considered, found.fitting);
  if (found.best.empty())
    return text + "  none fits: take more ranks, a smaller batch.tokens or a smaller model\n";
  std::size_t width = 0;
  for (const Estimate& e : found.best) width = std::max(width, short_name(e.layout).size());
  text += fmt::format("  {:<{}} {:>9} {:>6} {:>7} {:>9}\n", "", width, "step", "MFU", "bubble",
                      "memory");
  for (const Estimate& e : found.best)
    text += fmt::format("  {:<{}} {:>9} {:>5.1f}% {:>6.1f}% {:>9}\n", short_name(e.layout), width,
                        in_seconds(e.seconds()), 100 * e.mfu, 100 * e.bubble,
                        in_bytes(e.memory.total() - e.memory.snapshot));
  text += fmt::format("\nFor the first of them: {}\n", overrides_of(found.best.front().layout));
  return text + "\nFrom a cost model (docs/plan.md); no such job has confirmed it.\n";
}

nlohmann::ordered_json plan_as_json(const Estimate& said, const SearchResult& found,
                                    const StepModel& model) {
  const Cluster& cluster = model.cluster();
  const Workload& work = model.workload();
  Json best = Json::array();
  for (const Estimate& e : found.best) best.push_back(as_json(e, model));
  return {{"ranks", cluster.ranks()},
          {"nodes", cluster.nodes},
          {"gpus_per_node", cluster.chips_per_node},
          {"gpu", cluster.chip.name},
          {"micro_batches", work.micro_batches},
          {"micro_batch_tokens", work.batch.tokens},
          {"clip_tokens", work.clip_tokens},
          {"operations", work.micro_batches * work.operations()},
          {"peak", cluster.chip.speed(work.compute).peak},
          {"configured", as_json(said, model)},
          {"considered", found.considered},
          {"fitting", found.fitting},
          {"simulated", model.simulated()},
          {"best", best}};
}

}  // namespace muybridge
