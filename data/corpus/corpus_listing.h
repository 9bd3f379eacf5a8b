#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/corpus/caption_text.h"
#include "data/media/video_geometry.h"

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

// A file and what is said of it in the report.
struct FileRemark {
  std::string name;
  std::string kind;  // a short phrase, the same for all remarks of a kind
  std::string text;  // particulars; may be empty
  bool operator==(const FileRemark&) const = default;
};

struct CorpusListing {
  std::string form;  // what the corpus was taken for
  std::vector<ClipSource> clips;
  std::vector<FileRemark> skipped;
  std::vector<FileRemark> notes;  // on clips that are used
};

// Finds the clips of a corpus of any form that docs/corpora.md lists: a folder with captions beside
// the clips, metadata.csv|json|jsonl, videos.txt and prompts.txt, videos/ and metas/, tar archives,
// or one of these for each of train/ and validation/; a metadata file, a list of them, an archive
// or a video. Opens no video. Throws Error: kIo if `input` cannot be read, kCorrupt if metadata are
// broken as a whole, kUsage if there is nothing like a corpus.
CorpusListing list_corpus(const std::filesystem::path& input, const CaptionRules& rules);

}  // namespace muybridge
