#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "eval/picture_quality.h"
#include "eval/scores.h"

namespace muybridge {

// A setting of the run and what it would be if nobody had said anything.
struct GallerySetting {
  std::string key;
  std::string value;
  std::string usual;  // the default; empty: there is none
};

// What the page says about the run; the rest it finds in the run's folder.
struct GalleryHeader {
  std::string title;  // the run's name
  std::string model;  // "DiT 6 x 192, 3.4 M parameters"
  std::int64_t step = 0;
  Scores scores;                              // of the last evaluation; empty: taken from samples
  Quality quality = {};                       // of its reconstructions
  std::map<std::string, double> chance = {};  // of each score: what a clip of anything gets
  std::vector<double> loss_by_noise = {};     // on held-out clips, from little noise to much
  std::vector<GallerySetting> settings = {};  // in the order of the configuration
};

// Writes RUN/index.html from RUN/samples/step-*/samples.json, RUN/metrics.jsonl and
// RUN/environment.json: prompts x steps of playing clips, the curves of the run as drawn pictures,
// how it was made. Opens from disk, needs no network and nothing but the run's folder. Works at any
// moment of a run, also before the first sample. Throws Error(kIo) if the page cannot be written; a
// damaged samples.json or line of metrics is left out with a warning.
void write_gallery(const std::filesystem::path& run, const GalleryHeader& header);

}  // namespace muybridge
