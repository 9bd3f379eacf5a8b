#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "train/checkpoint/checkpoint_manifest.h"

namespace muybridge {

// Reads a commit by name and slice, whatever layout of ranks wrote it. Opening checks the manifest;
// a file's hash is checked before its first use. Not thread-safe.
class CheckpointReader {
 public:
  // Throws Error(kCorrupt) when there is no manifest or it is damaged.
  explicit CheckpointReader(const std::filesystem::path& commit);

  const std::filesystem::path& path() const { return path_; }
  const Manifest& manifest() const { return manifest_; }

  // Reads every byte of files share, share + shares, ... Throws Error(kCorrupt) that names file and
  // tensor.
  void verify(int share = 0, int shares = 1) const;

  // Elements [begin, begin + out.numel()) of the flattened parameter; `out` is f32 or f64, on any
  // device. Throws Error(kUsage) when the checkpoint does not have them.
  void read(StateKind kind, const std::string& name, std::int64_t begin, const Tensor& out) const;

 private:
  struct Place {
    const RankFile* file;
    const StoredPiece* piece;
  };
  const RankFileReader& open(const RankFile& file) const;

  std::filesystem::path path_;
  Manifest manifest_;
  std::map<std::pair<StateKind, std::string>, std::vector<Place>> places_;
  mutable std::map<std::string, RankFileReader> open_;
};

}  // namespace muybridge
