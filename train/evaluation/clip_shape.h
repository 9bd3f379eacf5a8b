#pragma once

#include "data/shards/corpus_index.h"
#include "train/config.h"

namespace muybridge {

// Length, size and rate of the clips that most of a corpus is made of.
struct ClipShape {
  int frames = 0;
  FrameSize size;
  double fps = 0;
};

// Of the clips to train on, or of those held out where there are no others: the most usual size,
// the most usual length and rate of clips that have it (the larger where two are as usual). Videos
// count before pictures.
ClipShape usual_clip(const CorpusIndex& corpus);

// Fills what eval leaves open (frames, size, fps) by the clips of data.train, cut to whole patches
// and to data.frames_max, so that what the model draws looks and plays as what it learned. Leaves
// the configuration alone where nothing is open or the corpus is not there.
TrainConfig with_shape_of_clips(TrainConfig config);

}  // namespace muybridge
