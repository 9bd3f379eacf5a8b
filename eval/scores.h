#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/media/frames.h"

namespace muybridge {

// A share of what the caption claims that the clip shows, by name: "color", "shape", "direction",
// "gravity"; each in [0, 1].
using Scores = std::map<std::string, double>;

// Measures decoded frames against a caption of the synthetic corpora; knows nothing else. nullopt
// if the caption claims nothing that can be measured (it is not of these corpora).
std::optional<Scores> score_clip(const Frames& frames, double fps, const std::string& caption);

// The mean of each name over the clips that have it.
Scores mean_scores(const std::vector<Scores>& clips);

}  // namespace muybridge
