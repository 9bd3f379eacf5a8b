#pragma once

#include "model/autoencoder/autoencoder.h"

namespace muybridge {

// A clip in chunks of frames, so that memory does not grow with its length but for what is given
// and returned. No gradients. In the element type of the model, where its parameters lie.

// Pixels [T,H,W,3] in [-1, 1] to the means of its latents [t,h,w,z].
Tensor encode_clip(const Autoencoder& autoencoder, const Tensor& pixels);
// Latents [t,h,w,z] to pixels.
Tensor decode_clip(const Autoencoder& autoencoder, const Tensor& latents);

}  // namespace muybridge
