#include "cli/bench_batch.h"

#include <algorithm>
#include <string>

#include "core/random.h"
#include "eval/render.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr std::int64_t kCaptionTokens = 25;
// Of a clip, where the configuration leaves it open; no clip is written.
constexpr int kFrames = 16, kSide = 32;
constexpr double kRate = 8;

// A clip of latents where the model makes them.
Grid clip_of(const TrainConfig& config) {
  if (const std::optional<Grid> latents = usual_clip(config); latents && config.model.channels != 3)
    return *latents;
  RenderOptions clip = render_options(config);
  if (clip.frames == 0) clip.frames = kFrames;
  if (clip.width == 0) clip.width = clip.height = kSide;
  if (clip.fps == 0) clip.fps = kRate;
  DitOptions model = dit_options(config);
  model.channels = 3;  // latents will do where none is drawn
  return render_grid(model, clip);
}

}  // namespace

std::vector<Grid> clips_of_batch(const TrainConfig& config) {
  const Grid grid = clip_of(config);
  const std::int64_t clips = std::max<std::int64_t>(1, config.batch.tokens / grid.tokens());
  return std::vector<Grid>(static_cast<std::size_t>(clips), grid);
}

MicroBatchSize size_of_batch(const TrainConfig& config) {
  const std::vector<Grid> grids = clips_of_batch(config);
  return {.tokens = std::ssize(grids) * grids.front().tokens(),
          .text_tokens = std::ssize(grids) * kCaptionTokens,
          .clips = std::ssize(grids)};
}

Tensor random_matrix(std::int64_t rows, std::int64_t columns, DType dtype, std::uint64_t seed) {
  const Tensor x = Tensor::empty({rows, columns});
  fill_normal(RandomStream(seed, Purpose::kTest), x.data<float>(), x.numel());
  return x.to(dtype);
}

Batch random_batch(const TrainConfig& config, std::uint64_t seed) {
  const std::vector<Grid> grids = clips_of_batch(config);
  const std::int64_t used = size_of_batch(config).tokens;
  const std::int64_t ranks = std::int64_t{config.parallel.tensor} * config.parallel.context;
  Batch batch;
  batch.packing = Packing::of(grids, (used + ranks - 1) / ranks * ranks);
  batch.tokens =
      random_matrix(batch.packing.rows, dit_options(config).token_width(), DType::kF32, seed);
  const PackedText text = pack_captions(std::vector<std::string>(grids.size(), kBenchCaption), 256);
  batch.text_packing = text.packing;
  batch.text_ids = text.ids;
  for (std::int64_t i = 0; i < std::ssize(grids); ++i) {
    batch.clip_ids.push_back(i);
    batch.samples.push_back(i);
  }
  return batch;
}

}  // namespace muybridge
