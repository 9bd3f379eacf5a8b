#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/slice.h"
#include "core/tensor.h"

// A rank's file of a checkpoint: serial HDF5 that holds the rank's pieces of the training state,
// one data set a piece, "/<kind>/<parameter>@<first element>" (docs/checkpoints.md).
namespace muybridge {

enum class StateKind : std::uint8_t { kMaster, kMomentum, kVariance, kEma };
inline constexpr std::array kStateKinds = {StateKind::kMaster, StateKind::kMomentum,
                                           StateKind::kVariance, StateKind::kEma};
std::string_view name_of(StateKind kind);  // "master" "momentum" "variance" "ema"

struct Piece {
  StateKind kind = StateKind::kMaster;
  std::string name;  // of the parameter
  Slice slice;       // of the flattened parameter

  std::string data_set() const;  // "master/blocks.0.mlp.up.weight@4096"
};

// A piece as it lies in a file: bytes [offset, offset + bytes) have this XXH3-128.
struct StoredPiece : Piece {
  DType dtype = DType::kF32;
  std::uint64_t offset = 0;
  std::string hash;

  std::uint64_t bytes() const { return static_cast<std::uint64_t>(slice.numel()) * size_of(dtype); }
};

struct RankFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string hash;
  std::vector<StoredPiece> pieces;
};

// Writes PATH, which must lie in a folder that nobody reads yet. After an error the writer can only
// be dropped.
class RankFileWriter {
 public:
  explicit RankFileWriter(const std::filesystem::path& path);
  ~RankFileWriter();
  RankFileWriter(const RankFileWriter&) = delete;
  RankFileWriter& operator=(const RankFileWriter&) = delete;

  // `elements`: slice.numel() of f32 or f64, on any device.
  void add(const Piece& piece, const Tensor& elements);
  // Closes and flushes the file to the disk; what is in it, with the hash of the whole.
  RankFile finish();

 private:
  struct Library;
  std::filesystem::path path_;
  std::unique_ptr<Library> library_;
  RankFile file_;
};

// Reads pieces of a file whose hash was found right. Throws Error(kCorrupt) for a piece that is not
// what the manifest says.
class RankFileReader {
 public:
  explicit RankFileReader(const std::filesystem::path& path);
  ~RankFileReader();
  RankFileReader(RankFileReader&&) noexcept;

  Tensor read(const StoredPiece& piece) const;

 private:
  struct Library;
  std::filesystem::path path_;
  std::unique_ptr<Library> library_;
};

// Compares the file with what the manifest says; Error(kCorrupt) names the tensors that are
// damaged. Asks the disk, not the page cache. Never calls HDF5, so that a damaged file cannot hurt.
void verify_rank_file(const std::filesystem::path& path, const RankFile& expected);

}  // namespace muybridge
