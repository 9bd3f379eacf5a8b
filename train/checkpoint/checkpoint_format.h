#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/slice.h"
#include "core/tensor.h"

// What a commit is made of: pieces of the training state, in one HDF5 file a rank, a data set a
// piece, "/<kind>/<parameter>@<first element>" (docs/checkpoints.md).
namespace muybridge {

enum class StateKind : std::uint8_t { kMaster, kMomentum, kVariance, kEma };
inline constexpr std::array kStateKinds = {StateKind::kMaster, StateKind::kMomentum,
                                           StateKind::kVariance, StateKind::kEma};
std::string_view name_of(StateKind kind);  // "master" "momentum" "variance" "ema"

struct Piece {
  StateKind kind = StateKind::kMaster;
  std::string name;  // of the parameter
  Slice slice;       // of the whole parameter, flattened

  std::string data_set() const;  // "master/blocks.0.mlp.up.weight@4096"
};

// A piece in memory.
struct StatePiece : Piece {
  Tensor elements;  // slice.numel() of f32 or f64
};

// Bytes of a piece that are hashed together, so that a reader of some of its elements need not read
// them all.
inline constexpr std::uint64_t kHashedBytes = 1 << 20;
inline constexpr std::size_t kHashDigits = 32;  // XXH3-128 in hexadecimal

// A piece as it lies in a file: bytes [offset, offset + bytes) have this hash.
struct StoredPiece : Piece {
  DType dtype = DType::kF32;
  std::uint64_t offset = 0;
  std::string hash;
  // The hashes of each kHashedBytes, one after another; empty for a piece that has no more than
  // that, and in old commits.
  std::string part_hashes = {};

  std::uint64_t bytes() const { return static_cast<std::uint64_t>(slice.numel()) * size_of(dtype); }
  std::uint64_t parts() const { return part_hashes.empty() ? 1 : part_hashes.size() / kHashDigits; }
};

struct RankFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string hash;
  std::vector<StoredPiece> pieces;
  std::string structure_hash = {};  // of the bytes that no piece has; empty in old commits
};

}  // namespace muybridge
