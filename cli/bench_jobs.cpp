#include "cli/bench_jobs.h"

#include <array>
#include <vector>

#include "core/ops/product/matmul.h"
#include "model/sampler.h"
#include "train/accumulation.h"
#include "train/model_options.h"
#include "train/update/optimizer.h"

namespace muybridge {
namespace {

constexpr const char* kCaption = "a red circle moving left";
constexpr std::int64_t kCaptionTokens = 25;
// Of a clip, where the configuration leaves it open; no clip is written.
constexpr int kFrames = 16, kSide = 32;
constexpr double kRate = 8;

// Clips of the size that evaluation renders (or of the demo's), as many as fill batch.tokens.
struct ClipsOfBatch {
  Grid grid;
  std::int64_t clips;
};

ClipsOfBatch size_of_batch(const TrainConfig& config) {
  RenderOptions clip = render_options(config);
  if (clip.frames == 0) clip.frames = kFrames;
  if (clip.width == 0) clip.width = clip.height = kSide;
  if (clip.fps == 0) clip.fps = kRate;
  const Grid grid = render_grid(dit_options(config), clip);
  return {grid, std::max<std::int64_t>(1, config.batch.tokens / grid.tokens())};
}

std::vector<Grid> clips_of_batch(const TrainConfig& config) {
  const ClipsOfBatch batch = size_of_batch(config);
  return std::vector<Grid>(static_cast<std::size_t>(batch.clips), batch.grid);
}

Tensor random_matrix(std::int64_t rows, std::int64_t columns, DType dtype) {
  const Tensor x = Tensor::empty({rows, columns});
  fill_normal(RandomStream(1, Purpose::kTest), x.data<float>(), x.numel());
  return x.to(dtype);
}

// One micro-batch of random clips, each with a caption.
Batch random_batch(const TrainConfig& config) {
  const std::vector<Grid> grids = clips_of_batch(config);
  Batch batch;
  batch.packing = Packing::of(grids);
  batch.tokens = random_matrix(batch.packing.rows, dit_options(config).token_width(), DType::kF32);
  const PackedText text = pack_captions(std::vector<std::string>(grids.size(), kCaption), 256);
  batch.text_packing = text.packing;
  batch.text_ids = text.ids;
  for (std::int64_t i = 0; i < std::ssize(grids); ++i) {
    batch.clip_ids.push_back(i);
    batch.samples.push_back(i);
  }
  return batch;
}

class StepJob : public BenchJob {
 public:
  explicit StepJob(const TrainConfig& config)
      : config_(config), dit_(parameters_, dit_options(config)), batch_(random_batch(config)) {
    parameters_.allocate(compute_dtype(config), 1);
    optimizer_ =
        std::make_unique<Optimizer>(parameters_, config.optimizer, Mesh(solo_group("bench")));
  }

  void run() override {
    parameters_.zero_gradients();
    const AccumulationResult result =
        accumulate_gradients(dit_, batch_,
                             {.flow = flow_options(config_),
                              .seed = 1,
                              .step = ++step_,
                              .normaliser = static_cast<double>(batch_.tokens.numel())});
    optimizer_->step(step_, 1e-4, 1.0, optimizer_->gradient_norm(1.0));
    flops_ = result.flops;
  }

  double flops() const override { return flops_; }
  std::int64_t tokens() const override { return batch_.packing.used(); }

 private:
  TrainConfig config_;
  Parameters parameters_;
  Dit dit_;
  Batch batch_;
  std::unique_ptr<Optimizer> optimizer_;
  std::int64_t step_ = 0;
  double flops_ = 0;
};

class SampleJob : public BenchJob {
 public:
  explicit SampleJob(const TrainConfig& config)
      : options_(render_options(config).sampler), dit_(parameters_, dit_options(config)) {
    parameters_.allocate(compute_dtype(config), 1);
    for (const Grid& grid : clips_of_batch(config)) {
      const std::uint64_t seed = requests_.size();
      requests_.push_back({.prompt = kCaption, .seed = seed, .grid = grid});
      tokens_ += grid.tokens() * options_.steps;
    }
  }

  void run() override { sample_clips(dit_, requests_, options_); }
  std::int64_t tokens() const override { return tokens_; }

 private:
  SamplerOptions options_;
  Parameters parameters_;
  Dit dit_;
  std::vector<ClipRequest> requests_;
  std::int64_t tokens_ = 0;
};

class MatmulJob : public BenchJob {
 public:
  explicit MatmulJob(const TrainConfig& config) {
    Parameters parameters;
    const Dit dit(parameters, dit_options(config));
    const Batch batch = random_batch(config);
    const DType dtype = compute_dtype(config);
    tokens_ = batch.packing.used();
    for (const Parameter& parameter : parameters.list()) {
      const std::string& name = parameter.spec.name;
      if (!name.ends_with(".weight") || parameter.spec.shape.rank() != 2) continue;
      const bool of_text = name.starts_with("text_") || name.ends_with("cross_attention.kv.weight");
      const std::int64_t rows = name.starts_with("time_") ? batch.packing.clips()
                                : of_text                 ? batch.text_packing.used()
                                                          : tokens_;
      const std::int64_t out = parameter.spec.shape[0], in = parameter.spec.shape[1];
      layers_.push_back(
          {.x = random_matrix(rows, in, dtype),
           .weight = random_matrix(out, in, dtype),
           .dy = random_matrix(rows, out, dtype),
           .y = Tensor::empty({rows, out}, dtype),
           .dx = name.starts_with("patch_") ? Tensor{} : Tensor::empty({rows, in}, dtype),
           .dweight = Tensor::empty({out, in})});
      flops_ += 2.0 * (layers_.back().dx.defined() ? 3 : 2) * static_cast<double>(rows * out * in);
    }
  }

  void run() override {
    for (const Layer& layer : layers_) {
      matmul(layer.x, layer.weight, layer.y, {.b = Trans::kYes});
      if (layer.dx.defined()) matmul(layer.dy, layer.weight, layer.dx);
      matmul(layer.dy, layer.x, layer.dweight, {.a = Trans::kYes});
    }
  }
  double flops() const override { return flops_; }
  std::int64_t tokens() const override { return tokens_; }

 private:
  struct Layer {
    Tensor x, weight, dy;
    Tensor y, dx, dweight;
  };
  std::vector<Layer> layers_;
  std::int64_t tokens_ = 0;
  double flops_ = 0;
};

template <class Job>
std::unique_ptr<BenchJob> make(const TrainConfig& config) {
  return std::make_unique<Job>(config);
}

// Nothing is allocated for it: only counted.
std::int64_t parameters_of(const TrainConfig& config) {
  Parameters parameters;
  const Dit dit(parameters, dit_options(config));
  return parameters.flat_size();
}

MemoryEstimate memory_of_step(const TrainConfig& config) {
  const ClipsOfBatch batch = size_of_batch(config);
  const MicroBatchSize size{.tokens = batch.clips * batch.grid.tokens(),
                            .text_tokens = batch.clips * kCaptionTokens,
                            .clips = batch.clips};
  return estimate_memory(dit_options(config), parameters_of(config), compute_dtype(config), size, 0,
                         0);
}

MemoryEstimate memory_of_sample(const TrainConfig& config) {
  const ClipsOfBatch batch = size_of_batch(config);
  const std::int64_t copies = config.eval.guidance == 1.0 ? 1 : 2;
  return estimate_memory(dit_options(config), parameters_of(config), compute_dtype(config), {},
                         copies * batch.clips * batch.grid.tokens(), 0);
}

constexpr auto kStepKeys = std::to_array<std::string_view>(
    {"device", "threads", "model.", "flow.", "batch.tokens", "optimizer.matrices",
     "optimizer.beta1", "optimizer.beta2", "optimizer.eps", "optimizer.matrix_rate",
     "optimizer.momentum", "optimizer.weight_decay", "optimizer.ema_decay", "optimizer.ema_warmup",
     "train.precision", "eval.frames", "eval.size"});
constexpr auto kSampleKeys = std::to_array<std::string_view>(
    {"device", "threads", "model.", "flow.shift", "batch.tokens", "train.precision", "eval.steps",
     "eval.solver", "eval.guidance", "eval.frames", "eval.size"});
constexpr auto kMatmulKeys = std::to_array<std::string_view>(
    {"device", "threads", "model.", "batch.tokens", "train.precision", "eval.frames", "eval.size"});

}  // namespace

BenchKind step_bench() { return {{"bench step", kStepKeys}, make<StepJob>, memory_of_step}; }
BenchKind sample_bench() {
  return {{"bench sample", kSampleKeys}, make<SampleJob>, memory_of_sample};
}
// Its operands are fewer than what a step keeps.
BenchKind matmul_bench() {
  return {{"bench matmul", kMatmulKeys}, make<MatmulJob>, memory_of_step};
}

}  // namespace muybridge
