#include "train/checks/require_memory.h"

#include <algorithm>
#include <set>

#include "core/cuda/runtime.h"
#include "core/error.h"
#include "data/loader/batch_builder.h"
#include "model/autoencoder/autoencoder_costs.h"
#include "train/checkpoint/checkpoint_format.h"
#include "train/checks/stage_memory.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr std::int64_t kCaptionsAsked = 64;

std::string in_words(double bytes) {
  if (bytes >= 1e12) return fmt::format("{:.1f} TB", bytes / 1e12);
  if (bytes >= 1e9) return fmt::format("{:.1f} GB", bytes / 1e9);
  return fmt::format("{:.0f} MB", bytes / 1e6);
}

// The mean over some clips, each with the byte that begins a text.
double caption_tokens(const CorpusIndex& corpus, const std::vector<SelectedClip>& clips,
                      int max_bytes) {
  const std::int64_t count = std::min<std::int64_t>(std::ssize(clips), kCaptionsAsked);
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t clip = clips[static_cast<std::size_t>(i * std::ssize(clips) / count)].clip;
    sum += static_cast<double>(
        1 + std::min(corpus.record(clip).caption.size(), static_cast<std::size_t>(max_bytes)));
  }
  return count > 0 ? sum / static_cast<double>(count) : 1;
}

}  // namespace

std::int64_t sampled_tokens(const DitOptions& model, const RenderOptions& options,
                            std::int64_t clips) {
  const std::int64_t at_once =
      std::min(clips, static_cast<std::int64_t>(clips_at_once(model, options)));
  const std::int64_t copies = options.sampler.guidance == 1.0 ? 1 : 2;
  return at_once * copies * render_grid(model, options).tokens();
}

HeldParameters held_parameters(const Parameters& parameters) {
  HeldParameters held{.all = parameters.flat_size(), .beside_blocks = parameters.flat_size()};
  std::set<int> blocks;
  for (const Parameter& parameter : parameters.list()) {
    if (parameter.unit < 0) continue;
    held.beside_blocks -= parameter.shape.numel();
    blocks.insert(parameter.unit);
  }
  held.blocks = static_cast<int>(blocks.size());
  return held;
}

// Of the stage that holds most; a replica of several ranks keeps the micro-batches of a step on
// each.
MemoryEstimate memory_of_step(const TrainConfig& config, const MicroBatchSize& batch,
                              const HeldParameters& held, int ranks, int batches_ahead) {
  const MeshSizes sizes = resolve(mesh_sizes(config), ranks);
  const DitOptions model = dit_options(config);
  RankShare share{.tensor = sizes.tensor,
                  .context = sizes.context,
                  .ring = sizes.ring,
                  .zero = config.parallel.zero,
                  .replicas = sizes.data * sizes.context,
                  .parameters = held.all,
                  .recompute = model.recompute};
  set_whole(share, held.beside_blocks, held.blocks, puts_weights_off(config.parallel.schedule));
  const int micro_batches = std::max(1, (config.batch.micro_batches + sizes.data - 1) / sizes.data);
  const PipelineSchedule schedule = schedule_of(
      config, telling_micro_batches(config.parallel.schedule, placement_of(config), micro_batches));
  const std::vector<double> activations = held_by_stage(
      schedule, memory_of_sections(schedule.placement, model, share, compute_dtype(config), batch));
  const int kept = sizes.ranks() > sizes.data ? micro_batches : 0;
  MemoryEstimate memory = estimate_memory(model, share, compute_dtype(config), batch,
                                          *std::ranges::max_element(activations),
                                          /*sampled_tokens=*/0, batches_ahead + kept);
  if (device_of(config) == Device::kCpu) return memory;
  memory.process = kDeviceProcess;
  for (const int size : {sizes.tensor, sizes.context, sizes.pipeline, sizes.data})
    if (size > 1) memory.communication += kDeviceGroup;
  if (compute_dtype(config) == DType::kBF16)
    memory.workspace = kAttentionWorkspace * static_cast<double>(batch.tokens * model.width) /
                       (sizes.tensor * sizes.context);
  return memory;
}

MemoryEstimate memory_of_autoencoder(const TrainConfig& config,
                                     const std::vector<SelectedClip>& clips,
                                     const HeldParameters& held, int ranks) {
  const AutoencoderOptions model = autoencoder_options(config);
  const Grid token = token_size(config);
  AutoencoderCosts most;
  for (const SelectedClip& clip : clips) {
    const AutoencoderCosts costs =
        autoencoder_costs(model, {.frames = clip.grid.frames * token.frames,
                                  .height = clip.grid.height * token.height,
                                  .width = clip.grid.width * token.width});
    if (costs.kept > most.kept) most = costs;
  }
  const auto element = static_cast<double>(size_of(compute_dtype(config)));
  const auto wide = static_cast<double>(size_of(accumulator_of(compute_dtype(config))));
  const auto parameters = static_cast<double>(held.all);
  const int replicas = resolve(mesh_sizes(config), ranks).data;
  const double kept_here = config.parallel.zero > 0 ? parameters / replicas : parameters;
  MemoryEstimate memory;
  if (device_of(config) == Device::kCuda) memory.process = kDeviceProcess;
  if (device_of(config) == Device::kCuda && replicas > 1) memory.communication = kDeviceGroup;
  memory.weights = memory.average_in_place = parameters * element;
  memory.gradients = parameters * wide;
  memory.optimizer = kept_here * (3 + (element < wide || config.parallel.zero > 0 ? 1 : 0)) * wide;
  memory.activations = (most.kept + 3 * most.largest) * element;
  memory.batches = static_cast<double>(config.batch.tokens * token.tokens() * model.channels) *
                   static_cast<double>(sizeof(float)) * (config.data.prefetch + 1);
  if (config.train.commit == TrainConfig::Commit::kBehind)
    memory.snapshot = static_cast<double>(std::ssize(kStateKinds)) * wide * parameters / replicas;
  return memory;
}

MemoryEstimate memory_of_run(const TrainConfig& config, const CorpusIndex& corpus,
                             const HeldParameters& held, int ranks) {
  const LoaderOptions loader = loader_options(config);
  const std::vector<SelectedClip> clips = select_clips(corpus, "train", loader);
  if (is_autoencoder(config)) return memory_of_autoencoder(config, clips, held, ranks);
  double tokens = 0;
  for (const SelectedClip& clip : clips) tokens += static_cast<double>(clip.grid.tokens());
  MicroBatchSize batch{.tokens = config.batch.tokens};
  if (tokens > 0) {
    const double per_batch =
        static_cast<double>(config.batch.tokens) * static_cast<double>(clips.size()) / tokens;
    batch.clips = static_cast<std::int64_t>(per_batch) + 1;
    batch.text_tokens = static_cast<std::int64_t>(
        per_batch * caption_tokens(corpus, clips, config.data.max_caption_bytes));
  }
  MemoryEstimate estimate = memory_of_step(config, batch, held, ranks, config.data.prefetch + 1);
  const MeshSizes sizes = resolve(mesh_sizes(config), ranks);
  if (config.eval.samples > 0) {
    const DitOptions model = dit_options(config);
    estimate.sampling =
        memory_of_sampling(model, sizes,
                           sampled_tokens(model, render_options(config), config.eval.samples),
                           /*held=*/0, compute_dtype(config))
            .sampling;
  }
  if (config.train.commit == TrainConfig::Commit::kBehind)
    estimate.snapshot = static_cast<double>(std::ssize(kStateKinds)) *
                        static_cast<double>(size_of(accumulator_of(compute_dtype(config)))) *
                        static_cast<double>(held.all) / (sizes.data * sizes.context);
  return estimate;
}

MemoryEstimate memory_of_sampling(const DitOptions& model, const MeshSizes& layout,
                                  std::int64_t tokens, std::int64_t held, DType compute) {
  const RankShare share{.tensor = layout.tensor, .context = layout.context, .parameters = held};
  MemoryEstimate estimate =
      estimate_memory(model, share, compute, {}, /*held=*/0, tokens, /*batches_ahead=*/0);
  estimate.gradients = estimate.optimizer = estimate.average_in_place = 0;
  return estimate;
}

std::string require_memory(const MemoryEstimate& rank, int ranks, const Machine& machine,
                           const char* advice, const char* whose) {
  const double need = rank.total() * ranks;
  if (machine.memory <= 0 || need <= static_cast<double>(machine.memory_available)) return "";
  std::string parts = fmt::format("weights{} {}", rank.activations > 0 ? " and optimizer" : "",
                                  in_words(rank.state()));
  const auto add = [&](const char* name, double bytes) {
    if (bytes > 0) parts += fmt::format(", {} {}", name, in_words(bytes));
  };
  add("a micro-batch", rank.activations);
  add("the workspace of attention", rank.workspace);
  add("buffers of groups", rank.communication);
  add("sampling", rank.sampling);
  add("batches read ahead", rank.batches);
  add("the copy that is committed", rank.snapshot);
  const std::string text =
      fmt::format("this needs about {} of memory{}: {}", in_words(need),
                  ranks > 1 ? fmt::format(" for {} ranks here, each", ranks) : "", parts);
  if (need - rank.snapshot * ranks > static_cast<double>(machine.memory))
    fail(ExitCode::kUsage, "{}; {} has {}: {}", text, whose,
         in_words(static_cast<double>(machine.memory)), advice);
  return fmt::format("{}; {} has {}, of which {} are free now", text, whose,
                     in_words(static_cast<double>(machine.memory)),
                     in_words(static_cast<double>(machine.memory_available)));
}

std::string require_memory(const TrainConfig& config, const MemoryEstimate& rank,
                           const World& world, const char* advice) {
  if (device_of(config) == Device::kCpu)
    return require_memory(rank, world.local_size(), this_machine(), advice);
  const MemoryEstimate of_host{.batches = rank.batches, .snapshot = rank.snapshot};
  MemoryEstimate of_device = rank;
  of_device.batches = of_device.snapshot = 0;
  const cuda::DeviceMemory memory = cuda::device_memory();
  const int devices = cuda::device_count();
  const int sharing = config.device == TrainConfig::DeviceChoice::kSharedCuda
                          ? (world.local_size() + devices - 1) / devices
                          : 1;
  const std::string warning = require_memory(
      of_device, sharing, {.memory = memory.total_bytes, .memory_available = memory.free_bytes},
      advice, "the CUDA device");
  return warning + require_memory(of_host, world.local_size(), this_machine(), advice);
}

}  // namespace muybridge
