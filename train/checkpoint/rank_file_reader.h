#pragma once

#include <filesystem>

#include "core/system/file_handle.h"
#include "train/checkpoint/checkpoint_format.h"

// Rank files are read at the places that the manifest says, never through HDF5: a damaged file
// cannot hurt, and no more is read than is wanted. Nothing is used before its hash was compared.
namespace muybridge {

// The open file of a commit. Throws Error(kCorrupt) where it is missing or has another size.
class RankFileReader {
 public:
  RankFileReader(const std::filesystem::path& path, const RankFile& expected);

  // Part `part` of the piece's bytes, [part * kHashedBytes, ..), as they are in the file; all of
  // them where the piece has one hash only. Throws Error(kCorrupt) that names file and tensor.
  std::string read_part(const StoredPiece& piece, std::uint64_t part) const;
  // The same without keeping them.
  void verify(const StoredPiece& piece, std::uint64_t part) const;

 private:
  [[noreturn]] void fail_damaged(const StoredPiece& piece) const;

  std::filesystem::path path_;
  FileHandle file_;
};

// Compares every byte of the file with what the manifest says; Error(kCorrupt) names the tensors
// that are damaged. Asks the disk, not the page cache.
void verify_rank_file(const std::filesystem::path& path, const RankFile& expected);

// The hash of what HDF5 wrote: the bytes between and around the pieces.
std::string hash_structure(const std::filesystem::path& path, const RankFile& expected);

// Compares only that with what the manifest says; of an old commit, the whole file. Throws as
// verify_rank_file() does.
void verify_structure(const std::filesystem::path& path, const RankFile& expected);

// "ema of head.projection.weight, ..."; empty when all pieces are whole.
std::string damaged_tensors(const std::filesystem::path& path, const RankFile& expected);

}  // namespace muybridge
