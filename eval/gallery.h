#pragma once

#include <filesystem>
#include <string>

#include "eval/scores.h"

namespace muybridge {

// What the page says about the run; the rest it finds in the run's folder.
struct GalleryHeader {
  std::string title;  // the run's name
  std::string model;  // "DiT 6 x 192, 3.4 M parameters"
  std::int64_t step = 0;
  Scores scores;  // of the last evaluation; empty: taken from the newest samples
};

// Writes RUN/index.html from RUN/samples/step-*/samples.json and RUN/metrics.jsonl: prompts x steps
// of playing clips and the curves of the run as drawn pictures. Opens from disk, needs no network
// and nothing but the run's folder. Works at any moment of a run, also before the first sample.
// Throws Error(kIo) if the page cannot be written; a damaged samples.json or line of metrics is
// left out with a warning.
void write_gallery(const std::filesystem::path& run, const GalleryHeader& header);

}  // namespace muybridge
