#pragma once

#include <filesystem>
#include <span>

#include "train/checkpoint/checkpoint_format.h"

namespace muybridge {

// Writes PATH, which must lie in a folder that nobody reads yet; flushes it to the disk, and holds
// what the file has against what was in memory. The elements may be on any device. HDF5 makes the
// file's structure; the elements are written past it, so that its lock, which readers of shards
// need, is never held while bytes go to the disk. Throws Error(kIo).
RankFile write_rank_file(const std::filesystem::path& path, std::span<const StatePiece> pieces);

}  // namespace muybridge
