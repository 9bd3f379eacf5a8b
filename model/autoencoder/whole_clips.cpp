#include "model/autoencoder/whole_clips.h"

#include <algorithm>

#include "core/ops/gaussian.h"

namespace muybridge {
namespace {

constexpr std::int64_t kLatentsAtOnce = 4;  // frames of them

Tensor as_the_model(const Autoencoder& autoencoder, const Tensor& x) {
  const Tensor& weight = autoencoder.encoder.in.weight.value();
  return x.to(weight.device()).to(weight.dtype());
}

// Steps over frames [0, total): `first` of them, then `others` at a time, to `made` frames.
template <class Step>
Tensor in_chunks(std::int64_t total, std::int64_t first, std::int64_t others, std::int64_t made,
                 const Step& step) {
  Tensor out;
  std::int64_t filled = 0;
  for (std::int64_t begin = 0, count = first; begin < total; begin += count, count = others) {
    count = std::min(count, total - begin);
    const Tensor part = step(begin, count);
    const Shape& shape = part.shape();
    if (!out.defined())
      out = Tensor::empty({made, shape[1], shape[2], shape[3]}, part.dtype(), part.device());
    out.rows(filled, shape[0]).copy_from(part);
    filled += shape[0];
  }
  return out;
}

}  // namespace

Tensor encode_clip(const Autoencoder& autoencoder, const Tensor& pixels) {
  const NoGradScope no_grad;
  const std::int64_t factor = autoencoder.options.frame_factor();
  FrameMemory memory;
  const std::int64_t frames = pixels.shape()[0];
  return in_chunks(frames, 1 + (kLatentsAtOnce - 1) * factor, kLatentsAtOnce * factor,
                   1 + (frames - 1) / factor, [&](std::int64_t begin, std::int64_t count) {
                     const Var part =
                         Var::constant(as_the_model(autoencoder, pixels.rows(begin, count)));
                     return mean_latents(autoencoder.encode(part, memory).value());
                   });
}

Tensor decode_clip(const Autoencoder& autoencoder, const Tensor& latents) {
  const NoGradScope no_grad;
  FrameMemory memory;
  const std::int64_t frames = latents.shape()[0];
  return in_chunks(
      frames, kLatentsAtOnce, kLatentsAtOnce, 1 + (frames - 1) * autoencoder.options.frame_factor(),
      [&](std::int64_t begin, std::int64_t count) {
        return autoencoder
            .decode(Var::constant(as_the_model(autoencoder, latents.rows(begin, count))), memory)
            .value();
      });
}

}  // namespace muybridge
