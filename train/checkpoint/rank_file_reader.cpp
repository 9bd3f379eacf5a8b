#include "train/checkpoint/rank_file_reader.h"

#include <fcntl.h>

#include <algorithm>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

std::uint64_t size_of_file(const fs::path& path) {
  std::error_code error;
  const std::uint64_t bytes = fs::file_size(path, error);
  if (error)
    fail(ExitCode::kCorrupt, "{} is missing from its commit: {}", path.string(), error.message());
  return bytes;
}

// Adds bytes [begin, begin + bytes), in blocks, as far as the file has them.
void add_bytes(const FileHandle& file, std::uint64_t begin, std::uint64_t bytes,
               const fs::path& path, Hasher& hasher) {
  std::string block(std::min(bytes, kHashedBytes), '\0');
  while (bytes > 0) {
    const std::size_t got =
        read_at(file, block.data(), std::min<std::uint64_t>(block.size(), bytes), begin,
                "read(" + path.string() + ")");
    if (got == 0) break;
    hasher.add(block.data(), got);
    begin += got;
    bytes -= got;
  }
}

std::string hash_of(const FileHandle& file, const StoredPiece& piece, const fs::path& path) {
  Hasher hasher;
  add_bytes(file, piece.offset, piece.bytes(), path, hasher);
  return hasher.hex();
}

}  // namespace

RankFileReader::RankFileReader(const fs::path& path, const RankFile& expected) : path_(path) {
  if (const std::uint64_t bytes = size_of_file(path); bytes != expected.bytes)
    fail(ExitCode::kCorrupt, "{} is damaged: it has {} bytes, {} were written", path.string(),
         bytes, expected.bytes);
  file_ = open_to_read(path);
}

std::string RankFileReader::read_part(const StoredPiece& piece, std::uint64_t part) const {
  const bool whole = piece.part_hashes.empty();
  const std::uint64_t begin = whole ? 0 : part * kHashedBytes;
  std::string bytes(whole ? piece.bytes() : std::min(kHashedBytes, piece.bytes() - begin), '\0');
  const std::string expected =
      whole ? piece.hash : piece.part_hashes.substr(part * kHashDigits, kHashDigits);
  const std::size_t got = read_at(file_, bytes.data(), bytes.size(), piece.offset + begin,
                                  "read(" + path_.string() + ")");
  if (hash_bytes(bytes.data(), got) != expected) fail_damaged(piece);
  return bytes;
}

void RankFileReader::verify(const StoredPiece& piece, std::uint64_t part) const {
  if (!piece.part_hashes.empty())
    read_part(piece, part);
  else if (hash_of(file_, piece, path_) != piece.hash)
    fail_damaged(piece);
}

void RankFileReader::fail_damaged(const StoredPiece& piece) const {
  fail(ExitCode::kCorrupt, "{} is damaged in {} of {}", path_.string(), name_of(piece.kind),
       piece.name);
}

void verify_rank_file(const fs::path& path, const RankFile& expected) {
  const std::uint64_t bytes = size_of_file(path);
  // What was just written is on the disk: dropping it from the cache makes the next read ask there.
  // A file system that cannot do it answers from the cache.
  ::posix_fadvise(open_to_read(path).get(), 0, 0, POSIX_FADV_DONTNEED);
  if (bytes == expected.bytes && hash_file(path) == expected.hash) return;
  const std::string tensors = damaged_tensors(path, expected);
  fail(ExitCode::kCorrupt, "{} is damaged in {} ({} bytes, {} were written)", path.string(),
       tensors.empty() ? "its structure, not in a tensor" : tensors, bytes, expected.bytes);
}

std::string hash_structure(const fs::path& path, const RankFile& expected) {
  std::vector<const StoredPiece*> pieces;
  for (const StoredPiece& piece : expected.pieces) pieces.push_back(&piece);
  std::ranges::sort(pieces, {}, &StoredPiece::offset);
  const FileHandle file = open_to_read(path);
  Hasher hasher;
  std::uint64_t done = 0;
  for (const StoredPiece* piece : pieces) {
    if (piece->offset > done) add_bytes(file, done, piece->offset - done, path, hasher);
    done = piece->offset + piece->bytes();
  }
  if (expected.bytes > done) add_bytes(file, done, expected.bytes - done, path, hasher);
  return hasher.hex();
}

void verify_structure(const fs::path& path, const RankFile& expected) {
  if (expected.structure_hash.empty()) return verify_rank_file(path, expected);
  if (hash_structure(path, expected) != expected.structure_hash)
    fail(ExitCode::kCorrupt, "{} is damaged in its structure, not in a tensor", path.string());
}

std::string damaged_tensors(const fs::path& path, const RankFile& expected) {
  constexpr int kMostNamed = 3;
  const FileHandle file = open_to_read(path);
  int damaged = 0;
  std::string names;
  for (const StoredPiece& piece : expected.pieces) {
    if (hash_of(file, piece, path) == piece.hash) continue;
    if (++damaged <= kMostNamed)
      names += fmt::format("{}{} of {}", damaged > 1 ? ", " : "", name_of(piece.kind), piece.name);
  }
  if (damaged > kMostNamed) names += fmt::format(" and {} more", damaged - kMostNamed);
  return names;
}

}  // namespace muybridge
