#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
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
  double fps = 8.0;  // each of the four is 0 where nobody has said it
  int upscale = 4;
  std::int64_t token_budget = 8192;  // tokens in one batch of the sampler, guidance's copies too
  bool gif = false;                  // also a GIF of each clip
  bool png = false;                  // also its frames, in a folder of the clip's name
};

struct RenderRequest {
  std::string prompt;
  std::string negative = {};
  std::uint64_t seed = 0;
  std::string file;         // name of the MP4 in the folder
  std::string source = {};  // as in SampleRecord
  std::string real = {};
};

// Throws Error(kUsage) when the model cannot make clips of this size and says the nearest it can,
// or when frames, size or rate were not said.
Grid render_grid(const DitOptions& model, const RenderOptions& options);

// How many clips the sampler makes at once.
std::size_t clips_at_once(const DitOptions& model, const RenderOptions& options);

struct RenderHooks {
  SamplerProgress progress = {};
  std::function<bool()> stop = {};  // asked before each clip is written: this and the rest are not
};

struct Rendered {
  std::vector<SampleRecord> records;
  std::exception_ptr failure;  // in writing, after which no clip is written any more
};

// Samples the clips and writes them as MP4. Each is then decoded again and scored by what its
// caption claims, where a score knows how (eval/scores.h). `set` describes the origin. Of ranks
// that share a model all take part and one has a folder; the others return no records. What fails
// in writing is returned when all is sampled, so that no rank waits for another.
Rendered render_clips(const Dit& dit, const std::vector<RenderRequest>& requests,
                      const RenderOptions& options, const std::filesystem::path& folder,
                      const SampleSet& set, const RenderHooks& hooks = {});

}  // namespace muybridge
