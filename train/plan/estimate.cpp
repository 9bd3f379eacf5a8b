#include "train/plan/estimate.h"

#include <algorithm>

#include "model/dit_parallel.h"
#include "train/checkpoint/checkpoint_format.h"
#include "train/checks/stage_memory.h"

namespace muybridge {
namespace {

// Bytes of an update, of a parameter: gradient, master, two moments; the average; the norm of the
// gradients, and their zeros for the next step. Rounded weights are written.
constexpr double kUpdateBytes = 28 + 8, kGradientBytes = 4 + 4, kRoundedBytes = 2;

RankShare share_of(const Layout& layout) {
  return {.tensor = layout.sizes.tensor,
          .context = layout.sizes.context,
          .ring = layout.sizes.ring,
          .zero = layout.zero,
          .replicas = layout.replicas(),
          .recompute = layout.recompute};
}

}  // namespace

double StepTimes::total() const {
  double sum = 0;
  for (const Item& item : items(*this)) sum += item.value;
  return sum;
}

std::vector<Item> items(const StepTimes& t) {
  return {{"products", "matrix products", t.products},
          {"attention", "attention", t.attention},
          {"elementwise", "norms, gates, activations", t.elementwise},
          {"recompute", "run again in backward", t.recompute},
          {"exchange", "exchanges of tokens, heads, weights", t.exchange},
          {"bubble", "bubble of the pipeline", t.bubble},
          {"gradients", "sums of gradients behind backward", t.gradients},
          {"optimizer", "optimizer", t.optimizer},
          {"weights", "weights put together", t.weights},
          {"batches", "batches to the ranks of a replica", t.batches}};
}

std::vector<Item> items(const MemoryEstimate& m) {
  return {{"process", "libraries", m.process},
          {"weights", "weights", m.weights},
          {"gradients", "gradients", m.gradients},
          {"optimizer", "optimizer and average", m.optimizer},
          {"activations", "activations", m.activations},
          {"workspace", "workspace of attention", m.workspace},
          {"average_in_place", "or in evaluations: weights put aside", m.average_in_place},
          {"sampling", "or in evaluations: sampling", m.sampling},
          {"batches", "batches", m.batches},
          {"communication", "buffers of groups", m.communication}};
}

// A layout with what its sections cost.
struct StepModel::Parts {
  Layout layout;
  int micro_batches;
  std::vector<PartTimes> sections;
  PipelineCosts costs;
  std::vector<HeldMemory> memory;  // of the sections
  const std::vector<Holdings>& holdings;
  GroupPlaces places;
  Links links;
  double message_bytes;

  // Of what a stage computes with one micro-batch.
  PartTimes stage(int rank) const {
    PartTimes sum;
    for (int chunk = 0; chunk < layout.placement.virtual_stages; ++chunk)
      sum += sections[static_cast<std::size_t>(layout.placement.section_of(rank, chunk))];
    return sum;
  }
};

const std::vector<Holdings>& StepModel::holdings(int tensor, const Placement& placement) {
  const std::array<int, 4> key{tensor, placement.stages, placement.virtual_stages,
                               static_cast<int>(placement.fold)};
  const auto found = holdings_.find(key);
  if (found != holdings_.end()) return found->second;
  return holdings_.emplace(key, holdings_of(work_.model, tensor, placement)).first->second;
}

StepModel::Parts StepModel::parts_of(const Layout& layout) {
  const Placement& placement = layout.placement;
  const DitOptions& model = work_.model;
  const Operations operations(cluster_, work_, layout);
  Parts parts{.layout = layout,
              .micro_batches = layout.micro_batches(work_.micro_batches),
              .sections = {},
              .costs = {},
              .memory = {},
              .holdings = holdings(layout.sizes.tensor, placement),
              .places = GroupPlaces(layout.sizes, cluster_),
              .links = Links(cluster_),
              .message_bytes = 0};
  PartTimes block = operations.block();
  if (layout.zero >= 2) {
    // Gradients are dealt out behind the backward of the block before, weights gathered ahead of
    // their use; what is longer than the block is waited for.
    const auto elements = static_cast<double>(parts.holdings.front().largest_block);
    const double wide = static_cast<double>(size_of(accumulator_of(work_.compute)));
    const double element = static_cast<double>(size_of(work_.compute));
    const auto behind = [&](Times& times, double room, double bytes) {
      const Traffic all = parts.links.all_gather(parts.places.replicas, bytes);
      times.exchange += std::max(0.0, all.seconds - room);
    };
    const double forward = block.forward.total();
    const double backward = block.backward_input.total() + block.backward_weight.total();
    const bool gathers = layout.zero >= 3;
    if (gathers) behind(block.forward, forward, elements * element);
    behind(block.backward_input, backward, elements * (wide + (gathers ? element : 0)));
  }
  const std::vector<BlockRange> ranges = balanced_sections(model, placement.sections());
  for (int section = 0; section < placement.sections(); ++section) {
    const BlockRange& range = ranges[static_cast<std::size_t>(section)];
    PartTimes times = static_cast<double>(range.end - range.begin) * block;
    times += (1.0 / placement.virtual_stages) * operations.conditions();
    if (section == 0) times += operations.embedding();
    if (section + 1 == placement.sections()) times += operations.head();
    parts.costs.sections.push_back({.forward = times.forward.total(),
                                    .backward_input = times.backward_input.total(),
                                    .backward_weight = times.backward_weight.total()});
    parts.sections.push_back(times);
  }
  parts.memory = memory_of_sections(placement, model, share_of(layout), work_.compute, work_.batch);
  for (std::size_t i = 0; i < parts.memory.size(); ++i) {
    SectionCost& cost = parts.costs.sections[i];
    cost.activation = parts.memory[i].activation;
    cost.kept = parts.memory[i].kept;
  }
  const double rows =
      static_cast<double>(work_.batch.tokens) / (layout.sizes.tensor * layout.sizes.context);
  parts.message_bytes = rows * static_cast<double>(model.width) *
                        static_cast<double>(size_of(accumulator_of(work_.compute)));
  parts.costs.communication =
      parts.links.message(parts.places.pipeline, parts.message_bytes).seconds;
  return parts;
}

const SimulatedStep& StepModel::simulated(const Parts& parts) {
  const Layout& layout = parts.layout;
  DitOptions model = work_.model;
  model.recompute = layout.recompute;
  return simulated_steps_.of(layout.schedule, layout.placement, parts.micro_batches,
                             section_costs(model, layout.placement.sections(), work_.clip_tokens),
                             parts.costs);
}

Estimate StepModel::estimate(const Layout& layout) {
  const Parts parts = parts_of(layout);
  const SimulatedStep& line = simulated(parts);
  return finish(parts, line.seconds, line.bubble, held_by_stage(line.schedule, parts.memory));
}

const SimulatedStep& StepModel::timeline(const Layout& layout) {
  return simulated(parts_of(layout));
}

Estimate StepModel::outline(const Layout& layout) {
  const Parts parts = parts_of(layout);
  const double p = layout.placement.stages, v = layout.placement.virtual_stages;
  const double m = parts.micro_batches;
  double busiest = 0, all = 0, f = 0, b = 0, w = 0;
  std::vector<double> one(static_cast<std::size_t>(layout.placement.stages));
  for (int rank = 0; rank < layout.placement.stages; ++rank) {
    const PartTimes stage = parts.stage(rank);
    all += stage.total();
    if (stage.total() > busiest) {
      busiest = stage.total();
      f = stage.forward.total(), b = stage.backward_input.total();
      w = stage.backward_weight.total();
    }
    for (int chunk = 0; chunk < layout.placement.virtual_stages; ++chunk)
      one[static_cast<std::size_t>(rank)] +=
          parts.memory[static_cast<std::size_t>(layout.placement.section_of(rank, chunk))]
              .activation;
  }
  // docs/schedules.md.
  double idle = (p - 1) * (f + b + w), under_way = std::min(p, m);
  switch (layout.schedule) {
    case ScheduleKind::kGpipe:
      under_way = m;
      break;
    case ScheduleKind::kInterleaved:
      idle /= v;
      under_way = std::min(m, (2 * (p - 1) + (v - 1) * p + 1) / v);
      break;
    case ScheduleKind::kZbH1:
      idle = (p - 1) * std::max(0.0, f + b - w);
      break;
    case ScheduleKind::kZbV:
      idle = (p - 1) * std::max(0.0, f + b - 2 * w) / 2;
      break;
    case ScheduleKind::kTuned:
      idle = (p - 1) * std::max(0.0, f + b - w) / v;
      under_way = std::min(m, 1.1 * p);
      break;
    case ScheduleKind::k1F1B:
      break;
  }
  const double seconds = m * busiest + (p > 1 ? idle : 0);
  for (double& each : one) each *= under_way;
  return finish(parts, seconds, seconds > 0 ? std::max(0.0, 1 - m * all / p / seconds) : 0, one);
}

Estimate StepModel::finish(const Parts& parts, double pipeline_seconds, double bubble,
                           const std::vector<double>& held) const {
  const Layout& layout = parts.layout;
  const Chip& chip = cluster_.chip;
  const int stages = layout.placement.stages;
  const double m = parts.micro_batches;
  const double wide = static_cast<double>(size_of(accumulator_of(work_.compute)));
  const double element = static_cast<double>(size_of(work_.compute));
  const double replicas = layout.replicas();

  Estimate e{.layout = layout, .bubble = bubble};
  Traffic tensor, context, gradients, weights;
  double largest = 0;
  for (int rank = 0; rank < stages; ++rank) {
    const PartTimes stage = parts.stage(rank);
    for (const Times* times : {&stage.forward, &stage.backward_input, &stage.backward_weight}) {
      const double n = m / stages;
      e.step.products += n * times->products;
      e.step.attention += n * times->attention;
      e.step.elementwise += n * times->elementwise;
      e.step.recompute += n * times->recompute;
      e.step.exchange += n * times->exchange;
      tensor += n * times->tensor;
      context += n * times->context;
    }
    const Holdings& held_here = parts.holdings[static_cast<std::size_t>(rank)];
    // Sums of gradients: once, behind the last backward; with ZeRO 2 each micro-batch's, see above.
    Traffic sums;
    for (int copies = 0; copies < 4; ++copies) {
      const double bytes = held_here.by_copies[static_cast<std::size_t>(copies)] * wide;
      const GroupPlace& group = parts.places.copies(copies);
      if (layout.zero == 0)
        sums += parts.links.all_reduce(group, bytes);
      else
        sums += parts.links.reduce_scatter(group, bytes);
    }
    const double room = stage.backward_input.total() + stage.backward_weight.total();
    if (layout.zero < 2) {
      e.step.gradients = std::max(e.step.gradients, sums.seconds - room);
      gradients += (1.0 / stages) * sums;
    } else {
      gradients += (m / stages) * sums;
    }
    const auto elements = static_cast<double>(held_here.flat);
    const double part = layout.zero >= 1 ? 1 / replicas : 1;
    const bool rounded = element < wide;
    double update = elements *
                    (part * (kUpdateBytes + (rounded ? kRoundedBytes : 0)) + kGradientBytes) /
                    chip.copy;
    if (work_.muon) {
      update += held_here.orthogonal_operations / replicas / chip.f32.product;
      update += parts.links.all_gather(parts.places.replicas, held_here.hidden * wide).seconds;
    }
    e.step.optimizer = std::max(e.step.optimizer, update);
    const Traffic whole = parts.links.all_gather(parts.places.replicas, elements * element);
    if (layout.zero == 1 || layout.zero == 2) {
      e.step.weights = std::max(e.step.weights, whole.seconds);
      weights += (1.0 / stages) * whole;
    } else if (layout.zero == 3) {
      weights += (2 * m / stages) * whole;
    }

    RankShare share = share_of(layout);
    share.parameters = held_here.flat;
    set_whole(share, held_here.beside_blocks, held_here.blocks, puts_weights_off(layout.schedule));
    const bool several = layout.sizes.ranks() > layout.sizes.data;
    MemoryEstimate memory = estimate_memory(
        work_.model, share, work_.compute, work_.batch, held[static_cast<std::size_t>(rank)],
        work_.sampled_tokens, work_.batches_ahead + (several ? parts.micro_batches : 0));
    memory.process = chip.process;
    const double queries = static_cast<double>(work_.batch.tokens * work_.model.width) /
                           (layout.sizes.tensor * layout.sizes.context);
    memory.workspace = chip.workspace * queries;
    for (const int size :
         {layout.sizes.tensor, layout.sizes.context, layout.sizes.pipeline, layout.replicas()})
      memory.communication += size > 1 ? chip.group : 0;
    if (rank == 0 || memory.total() > largest) {
      largest = memory.total();
      e.memory = memory;
      e.largest_stage = rank;
    }
  }
  e.step.bubble = bubble * pipeline_seconds;
  const auto patch = static_cast<double>(work_.model.token_width());
  const Traffic batch = parts.links.message(
      parts.places.model, static_cast<double>(work_.batch.tokens) * patch * sizeof(float));
  e.step.batches = m * batch.seconds;
  e.fits = largest <= chip.usable * chip.memory;
  if (work_.snapshot)
    e.memory.snapshot =
        static_cast<double>(std::ssize(kStateKinds)) * wide *
        static_cast<double>(parts.holdings[static_cast<std::size_t>(e.largest_stage)].flat) /
        replicas;

  const double hops = stages > 1 ? 2.0 * (layout.placement.sections() - 1) / stages : 0;
  // Activations one way, their gradients, which are not rounded, the other.
  const Traffic pipeline = m * hops *
                           parts.links.message(parts.places.pipeline,
                                               parts.message_bytes * (element + wide) / (2 * wide));
  const auto axis = [&](const char* name, const Traffic& t) {
    e.traffic.push_back({name, t.link, t.network});
  };
  axis("tensor", tensor);
  axis("context", context);
  axis("pipeline", pipeline);
  axis("gradients", gradients);
  axis("weights", weights);
  axis("batches", m * batch);

  const double ranks = layout.sizes.ranks();
  e.mfu = work_.micro_batches * work_.operations() /
          (e.seconds() * ranks * chip.speed(work_.compute).peak);
  e.tokens_per_second = work_.micro_batches * static_cast<double>(work_.batch.clips) *
                        static_cast<double>(work_.clip_tokens) / e.seconds();
  return e;
}

}  // namespace muybridge
