#pragma once

#include <filesystem>

#include "data/corpus/corpus_forms.h"

namespace muybridge {

// A tar archive of clips and captions, WebDataset or not, read once from front to back. Names pair
// as in caption_pairs.h; of a name that stands twice the last member counts, as tar extracts it.
// Throws Error(kIo) for what the machine lacks; what is wrong with the archive is a remark.
void list_archive(const std::filesystem::path& archive, const CaptionContext& context);

}  // namespace muybridge
