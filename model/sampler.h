#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/dit.h"
#include "model/solver.h"

namespace muybridge {

struct SamplerOptions {
  Solver solver = Solver::kEuler;
  int steps = 25;
  double guidance = 4.0;  // classifier-free (Ho and Salimans 2022); 1 switches it off
  double shift = 3.0;     // of the times, see sampling_times
  std::size_t max_caption_bytes = 2048;  // longer prompts are cut
};

// "16 AB2 steps, guidance 1.5, shift 3"
std::string describe(const SamplerOptions& options);

// One clip to make.
struct ClipRequest {
  std::string prompt;
  std::string negative = {};  // what guidance moves away from; empty: what no prompt gives
  std::uint64_t seed = 0;     // its noise is keyed by this alone
  Grid grid;                  // in patches
};

// Called after each of the sampler's steps.
using SamplerProgress = std::function<void(int step, int steps)>;

// Integrates noise to clips, all requests in one packed batch. Returns tokens f32 [T, P] on the
// CPU, laid out by Packing::of(grids). Without guidance `negative` is not looked at.
Tensor sample_clips(const Dit& dit, const std::vector<ClipRequest>& requests,
                    const SamplerOptions& options, const SamplerProgress& progress = {});

}  // namespace muybridge
