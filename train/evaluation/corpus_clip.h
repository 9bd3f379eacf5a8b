#pragma once

#include <cstdint>
#include <filesystem>

#include "data/shards/corpus_index.h"
#include "eval/render.h"

namespace muybridge {

// Writes a clip of a corpus of pixels as an MP4 at its own rate, to be seen beside what a model
// makes of its caption: as long and about as large as `beside`.
void write_corpus_clip(const CorpusIndex& corpus, std::int64_t clip, const RenderOptions& beside,
                       const std::filesystem::path& file);

}  // namespace muybridge
