#pragma once

#include <span>

#include "core/ops/modulation.h"
#include "core/random.h"
#include "core/tape.h"

namespace muybridge {

// T tokens  P patch elements  C clips

struct NoisyTokens {
  Tensor tokens;    // [T, P]: (1 - t) clean + t noise
  Tensor velocity;  // [T, P]: noise - clean, what the model shall predict
};

// Rectified flow (Liu et al., arXiv:2209.03003, time reversed: t = 1 is noise). clean is f32 (f64),
// times [C] of the same type, one stream of noise a clip. Slack rows come out zero.
NoisyTokens add_flow_noise(const Tensor& clean_TP, const Tensor& times_C,
                           std::span<const RandomStream> streams, const ClipRows& clips);

// The velocity that leads from noisy tokens to predicted clean ones, (noisy - clean) / time, with
// time at least kLeastTime so that the weight of nearly clean clips stays bounded (Li and He 2025,
// arXiv:2511.13720). noisy and times are f32 (f64 for f64); slack rows come out zero.
inline constexpr double kLeastTime = 0.05;
Var velocity_of_clean(const Var& clean_TP, const Tensor& noisy_TP, const Tensor& times_C,
                      const ClipRows& clips);

}  // namespace muybridge
