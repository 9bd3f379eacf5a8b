#include "cli/bench_jobs.h"

#include <algorithm>
#include <array>
#include <vector>

#include "cli/bench_batch.h"
#include "core/ops/accumulate.h"
#include "core/ops/product/matmul.h"
#include "model/dit_parallel.h"
#include "model/sampler.h"
#include "train/model_options.h"
#include "train/plan/holdings.h"

namespace muybridge {
namespace {

class SampleJob : public BenchJob {
 public:
  SampleJob(const TrainConfig& config, World& world)
      : options_(render_options(config).sampler),
        mesh_(mesh_sizes(config), world.group()),
        dit_(make_dit(parameters_, dit_options(config), mesh_, placement_of(config))) {
    mesh_.prepare(device_of(config));
    parameters_.freeze();
    parameters_.allocate(compute_dtype(config), 1, device_of(config));
    for (const Parameter& parameter : parameters_.list()) {
      const Tensor values = random_matrix(1, parameter.shape.numel(), DType::kF32);
      scale_in_place(values, 0.02);
      parameters_.fill(parameter, values.reshape(parameter.shape));
    }
    const auto replica = static_cast<std::uint64_t>(mesh_.coordinate().data);
    for (const Grid& grid : clips_of_batch(config)) {
      const std::uint64_t seed = 1000 * replica + requests_.size();
      requests_.push_back({.prompt = kBenchCaption, .seed = seed, .grid = grid});
      tokens_ += grid.tokens() * options_.steps * mesh_.sizes().data;
    }
  }

  void run() override { sample_clips(dit_, requests_, options_); }
  std::int64_t tokens() const override { return tokens_; }

 private:
  SamplerOptions options_;
  const Mesh mesh_;
  Parameters parameters_;
  const Dit dit_;
  std::vector<ClipRequest> requests_;
  std::int64_t tokens_ = 0;
};

class MatmulJob : public BenchJob {
 public:
  MatmulJob(const TrainConfig& config, World& /*alone*/) {
    Parameters parameters;
    const Dit dit(parameters, dit_options(config));
    const Batch batch = random_batch(config, 1);
    const DType dtype = compute_dtype(config);
    const Device device = device_of(config);
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
          {.x = random_matrix(rows, in, dtype).to(device),
           .weight = random_matrix(out, in, dtype).to(device),
           .dy = random_matrix(rows, out, dtype).to(device),
           .y = Tensor::empty({rows, out}, dtype, device),
           .dx = name.starts_with("patch_") ? Tensor{} : Tensor::empty({rows, in}, dtype, device),
           .dweight = Tensor::empty({out, in}, DType::kF32, device)});
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
std::unique_ptr<BenchJob> make(const TrainConfig& config, World& world) {
  return std::make_unique<Job>(config, world);
}

MemoryEstimate memory_of_sample(const TrainConfig& config, int ranks) {
  const std::int64_t copies = config.eval.guidance == 1.0 ? 1 : 2;
  return memory_of_sampling(dit_options(config), resolve(mesh_sizes(config), ranks),
                            copies * size_of_batch(config).tokens, largest_stage(config).all,
                            compute_dtype(config));
}

// Its operands are fewer than what a step keeps.
MemoryEstimate memory_of_products(const TrainConfig& config, int /*ranks*/) {
  Parameters parameters;
  const Dit dit(parameters, dit_options(config));
  return estimate_memory(dit_options(config), parameters.flat_size(), compute_dtype(config),
                         size_of_batch(config), 0, 0);
}

constexpr auto kSampleKeys = std::to_array<std::string_view>({"device",
                                                              "threads",
                                                              "model.",
                                                              "flow.shift",
                                                              "batch.tokens",
                                                              "train.precision",
                                                              "train.linear",
                                                              "eval.steps",
                                                              "eval.solver",
                                                              "eval.guidance",
                                                              "eval.shift",
                                                              "eval.frames",
                                                              "eval.size",
                                                              "parallel.data",
                                                              "parallel.tensor",
                                                              "parallel.context",
                                                              "parallel.context_method",
                                                              "parallel.ring",
                                                              "parallel.pipeline",
                                                              "parallel.schedule",
                                                              "parallel.virtual_stages",
                                                              "parallel.order"});
constexpr auto kMatmulKeys = std::to_array<std::string_view>(
    {"device", "threads", "model.", "batch.tokens", "train.precision", "eval.frames", "eval.size"});

}  // namespace

HeldParameters largest_stage(const TrainConfig& config) {
  HeldParameters largest;
  for (const Holdings& stage :
       holdings_of(dit_options(config), config.parallel.tensor, placement_of(config)))
    if (stage.flat > largest.all)
      largest = {.all = stage.flat, .beside_blocks = stage.beside_blocks, .blocks = stage.blocks};
  return largest;
}

BenchKind sample_bench() {
  return {{"bench sample", kSampleKeys}, make<SampleJob>, memory_of_sample};
}

BenchKind matmul_bench() {
  return {{"bench matmul", kMatmulKeys}, make<MatmulJob>, memory_of_products, /*alone=*/true};
}

}  // namespace muybridge
