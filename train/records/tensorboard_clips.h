#pragma once

#include <filesystem>

#include "eval/provenance.h"
#include "train/records/tensorboard.h"

namespace muybridge {

// Shows the first clips of an evaluation in TensorBoard's image tab, as GIFs that play there, under
// names that stay from step to step: "clips/a-red-circle-seed-7". They are made from the MP4 files
// in `folder`, at most 256x256 pixels' worth and 64 frames each. What cannot be read is warned
// about and left out.
void add_clips(TensorBoardWriter& tensorboard, const std::filesystem::path& folder,
               const SampleSet& set, std::size_t most = 8);

}  // namespace muybridge
