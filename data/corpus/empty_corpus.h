#pragma once

#include <filesystem>

#include "data/corpus/corpus_listing.h"

namespace muybridge {

// Throws the error of a corpus without a single clip: what was found in it by kinds, which tables
// were not understood and why, and what to do.
[[noreturn]] void fail_empty_corpus(const std::filesystem::path& input,
                                    const CorpusListing& listing);

}  // namespace muybridge
