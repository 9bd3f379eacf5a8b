#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/corpus/caption_text.h"
#include "data/corpus/remark.h"
#include "data/media/picture/video_geometry.h"

namespace muybridge {

// A video or image with its caption.
struct ClipSource {
  std::filesystem::path file;  // of the video, or of the archive that holds it
  std::int64_t member = -1;    // entry of the archive; -1: `file` is the video itself
  std::string name;            // in reports: relative to the corpus
  std::string caption;
  std::string split;  // "train", "validation", or empty: to be chosen
  std::optional<CropBox> crop;
  std::int64_t cut_first = 0;  // pictures of the video to use
  std::int64_t cut_end = -1;   // -1: to the end
  bool operator==(const ClipSource&) const = default;
};

struct CorpusListing {
  std::string form;  // what the corpus was taken for
  std::vector<ClipSource> clips;
  std::vector<FileRemark> skipped;
  std::vector<FileRemark> notes;  // on what is used, and on lists that are not
};

// Finds the clips of a corpus of any form that docs/corpora.md describes: a list of clips or a
// folder with one, videos.txt and prompts.txt, videos/ and metas/, tar archives, captions beside
// the clips, or one of these for each of train/ and validation/; an archive, a video or an image.
// Opens no video; there is at least one clip. Throws Error: kUsage if there is none, with what was
// found instead and what to do, kCorrupt if a list or the only archive is broken, kIo if `input`
// cannot be read or the machine lacks something.
CorpusListing list_corpus(const std::filesystem::path& input, const CaptionRules& rules);

}  // namespace muybridge
