#pragma once

#include <string>
#include <vector>

#include "data/corpus/remark.h"

namespace muybridge {

// What belongs to one video or image.
struct PairedMedia {
  int caption = -1;  // which caption; -1: none
  Finding problem;   // not none: there is a caption that it cannot be given
  Finding note;      // of how the caption was found
};

struct CaptionPairs {
  std::vector<PairedMedia> media;
  std::vector<int> alone;  // captions that belong to nothing
};

// Finds each clip's own caption by their names, which are relative to one root and have slashes. In
// this order: "a.mp4.txt" of a.mp4; "a.txt" of a.mp4, also where the stem has dots; a name that
// differs only in the case of its letters; and with `samples`, as WebDataset has it, up to the
// first dot of the name, where that leaves no doubt: "a.en.txt" of a.mp4, "a.txt" of a.seg.png, yet
// never "take 1.6.txt" or "take 1.txt" of "take 1.5.mp4". A caption that several clips could have
// goes to the only video among them, or to none. Of the captions of a clip .txt wins over .caption
// and .json.
CaptionPairs pair_captions(const std::vector<std::string>& media,
                           const std::vector<std::string>& captions, bool samples);

}  // namespace muybridge
