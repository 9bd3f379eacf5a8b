#pragma once

#include <filesystem>
#include <string>

#include "data/corpus/corpus_listing.h"

// One function for each form of a corpus; each adds to the listing. `root` is what names in the
// report are relative to.
namespace muybridge {

struct CaptionContext {
  std::filesystem::path root;
  CaptionRules rules;
  CorpusListing& listing;

  std::string name_of(const std::filesystem::path& file) const;
  void skip(const std::filesystem::path& file, std::string why) const;
  // Adds the clip, or the reason why its caption rules it out.
  void add(ClipSource clip, const Caption& caption) const;
};

// Captions beside the clips, or below `captions` at the same place.
void list_pairs(const std::filesystem::path& clips, const std::filesystem::path& captions,
                const CaptionContext& context);

// A metadata file whose paths are relative to `folder`.
void list_table(const std::filesystem::path& table, const std::filesystem::path& folder,
                const CaptionContext& context);

// A file of lines "folder,metadata.json".
void list_of_tables(const std::filesystem::path& list, const CaptionContext& context);

// A file of paths and a file of captions, line by line.
void list_lines(const std::filesystem::path& videos, const std::filesystem::path& prompts,
                const CaptionContext& context);

// A WebDataset archive.
void list_archive(const std::filesystem::path& archive, const CaptionContext& context);

}  // namespace muybridge
