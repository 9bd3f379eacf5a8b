#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/provenance.h"
#include "model/sampler.h"

namespace muybridge {

struct RenderOptions {
  SamplerOptions sampler;
  int frames = 16;
  int width = 32;  // pixels
  int height = 32;
  double fps = 8.0;
  int upscale = 4;
  std::int64_t token_budget = 8192;  // tokens in one batch of the sampler, guidance's copies too
};

struct RenderRequest {
  std::string prompt;
  std::uint64_t seed = 0;
  std::string file;  // name of the MP4 in the folder
};

// Throws Error(kUsage) when the model cannot make clips of this size; says the nearest it can.
Grid render_grid(const DitOptions& model, const RenderOptions& options);

// Samples the clips and writes them as MP4. Each is then decoded again and scored by what its
// caption claims, where a score knows how (eval/scores.h). `set` describes the origin.
std::vector<SampleRecord> render_clips(const Dit& dit, const std::vector<RenderRequest>& requests,
                                       const RenderOptions& options,
                                       const std::filesystem::path& folder, const SampleSet& set,
                                       const SamplerProgress& progress = {});

}  // namespace muybridge
