#pragma once

#include "core/random.h"
#include "core/tape.h"

namespace muybridge {

// R places  Z channels of a latent

struct GaussianLatents {
  Var latents;            // [.., Z]: mean + exp(logvar / 2) noise
  double divergence = 0;  // from the standard normal, summed over all of them
};

// Latents drawn from what an encoder says of them (Kingma and Welling 2013, arXiv:1312.6114).
// moments [.., 2 Z]: means, then logarithms of variances, which count within +-kMostLogVariance.
// Noise of a latent is addressed by its place. Backward adds the gradient of `weight` times the
// divergence to what comes through the latents.
inline constexpr double kMostLogVariance = 20;
GaussianLatents draw_latents(const Var& moments, const RandomStream& noise, double weight);

// The first halves of the channels of moments [.., 2 Z]: the means [.., Z].
Tensor mean_latents(const Tensor& moments);

}  // namespace muybridge
