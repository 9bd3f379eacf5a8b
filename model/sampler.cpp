#include "model/sampler.h"

#include "core/ops/accumulate.h"
#include "core/random.h"
#include "model/integrator.h"

namespace muybridge {
namespace {

// With slack where ranks share the rows.
Packing packing_of(const std::vector<ClipRequest>& requests, int copies, const RowShare& share) {
  std::vector<Grid> grids;
  for (int copy = 0; copy < copies; ++copy)
    for (const ClipRequest& request : requests) grids.push_back(request.grid);
  Packing packing = Packing::of(grids);
  const std::int64_t step = std::int64_t{share.segments} * share.parts;
  packing.rows = (packing.rows + step - 1) / step * step;
  return packing;
}

// The guided velocity of all requests: with guidance, a second copy of every clip, captioned by its
// negative prompt, rides in the same batch.
class GuidedVelocity {
 public:
  GuidedVelocity(const Dit& dit, const std::vector<ClipRequest>& requests,
                 const SamplerOptions& options)
      : dit_(dit),
        guidance_(options.guidance),
        guided_(options.guidance != 1.0),
        layout_(dit.layout(packing_of(requests, guided_ ? 2 : 1, dit.rows))) {
    std::vector<std::string> captions;
    captions.reserve(2 * requests.size());
    for (const ClipRequest& request : requests) captions.push_back(request.prompt);
    if (guided_)
      for (const ClipRequest& request : requests) captions.push_back(request.negative);
    const PackedText text = pack_captions(captions, options.max_caption_bytes);
    text_ = dit.encode_text(text);
    dit.precompute_keys(text_);
  }

  Tensor operator()(const Tensor& tokens, double time) const {
    const Packing& packing = layout_.packing;
    const std::int64_t rows = tokens.shape()[0];
    Tensor both = tokens;
    if (packing.rows > rows) {
      both = Tensor::zeros({packing.rows, tokens.shape()[1]}, tokens.dtype(), tokens.device());
      for (std::int64_t first = 0; first + rows <= packing.used(); first += rows)
        both.rows(first, rows).copy_from(tokens);
    }
    const Tensor times = Tensor::full({packing.clips()}, time);
    const Tensor velocity = dit_.velocity(both, times, text_, layout_).to(DType::kF32);
    if (!guided_) return velocity.rows(0, rows);
    // u + g (c - u), written over c.
    const Tensor conditional = velocity.rows(0, rows);
    blend(1 - guidance_, velocity.rows(rows, rows), guidance_, conditional);
    return conditional;
  }

 private:
  const Dit& dit_;
  double guidance_;
  bool guided_;
  EncodedText text_;
  TokenLayout layout_;
};

Tensor initial_noise(const std::vector<ClipRequest>& requests, std::int64_t token_width) {
  std::int64_t rows = 0;
  for (const ClipRequest& request : requests) rows += request.grid.tokens();
  const Tensor noise = Tensor::empty({rows, token_width});
  std::int64_t first = 0;
  for (const ClipRequest& request : requests) {
    const Tensor clip = noise.rows(first, request.grid.tokens());
    fill_normal(RandomStream(request.seed, Purpose::kSampling), clip.data<float>(), clip.numel());
    first += request.grid.tokens();
  }
  return noise;
}

}  // namespace

std::string describe(const SamplerOptions& options) {
  return fmt::format("{} {} steps, guidance {:g}, shift {:g}", options.steps,
                     title_of(options.solver), options.guidance, options.shift);
}

Tensor sample_clips(const Dit& dit, const std::vector<ClipRequest>& requests,
                    const SamplerOptions& options, const SamplerProgress& progress) {
  Integrator integrator(options.solver,
                        sampling_times(options.solver, options.steps, options.shift));
  const NoGradScope no_grad;
  const GuidedVelocity velocity(dit, requests, options);
  const auto velocity_at = [&](const Tensor& x, double time) {
    return velocity(x, told_time(options.solver, time));
  };
  const Tensor x = initial_noise(requests, dit.options.token_width()).to(dit.device());
  for (int step = 1; step <= options.steps; ++step) {
    integrator.step(x, velocity_at);
    if (progress) progress(step, options.steps);
  }
  return x.to(Device::kCpu);
}

}  // namespace muybridge
