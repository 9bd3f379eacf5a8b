#pragma once

#include <filesystem>
#include <string>

#include "data/corpus/corpus_listing.h"

// One function for each form of a corpus; each adds to the listing. Lists of clips are in
// corpus_table.h, archives in corpus_archive.h.
namespace muybridge {

// What the forms share. `root` is what names in the report are relative to.
struct CaptionContext {
  std::filesystem::path root;
  CaptionRules rules;
  CorpusListing& listing;

  std::string name_of(const std::filesystem::path& file) const;
  void skip(std::string name, Finding finding) const;
  void skip(const std::filesystem::path& file, Finding finding) const;
  void note(std::string name, Finding finding) const;
  // Adds the clip, or the reason why its caption rules it out.
  void add(ClipSource clip, const Caption& caption) const;
};

// Captions beside the clips, or below `captions` at the same place. Archives are passed over.
void list_pairs(const std::filesystem::path& clips, const std::filesystem::path& captions,
                const CaptionContext& context);

// A video or image with a caption beside it.
void list_single(const std::filesystem::path& file, const CaptionContext& context);

}  // namespace muybridge
