#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "train/checkpoint/checkpoint_manifest.h"
#include "train/checkpoint/rank_file_reader.h"

namespace muybridge {

// Reads a commit by name and slice, whatever layout of ranks wrote it. Opening checks the manifest;
// of the files no more is read than the wanted elements, in parts of kHashedBytes whose hashes are
// compared before a byte is used. Not thread-safe.
class CheckpointReader {
 public:
  // Throws Error(kCorrupt) when there is no manifest or it is damaged.
  explicit CheckpointReader(const std::filesystem::path& commit);

  const std::filesystem::path& path() const { return path_; }
  const Manifest& manifest() const { return manifest_; }

  // Reads an equal share of every byte of all files, however many they are. Throws Error(kCorrupt)
  // that names file and tensor.
  void verify(int share = 0, int shares = 1) const;
  // Reads files share, share + shares, ..., and asks the disk, not the page cache.
  void verify_files(int share, int shares) const;

  // The elements of a slice of the parameter, in its order; `out` has as many, f32 or f64, on any
  // device. Throws Error(kUsage) when the checkpoint does not have them, Error(kCorrupt) when they
  // are damaged.
  void read(StateKind kind, const std::string& name, const Slice& slice, const Tensor& out) const;
  // The whole parameter.
  void read(StateKind kind, const std::string& name, const Tensor& out) const;

  std::uint64_t bytes_read() const { return bytes_read_; }  // of the rank files, by read()

 private:
  struct Place {
    const RankFile* file;
    const StoredPiece* piece;
  };
  struct Part {
    const StoredPiece* piece = nullptr;
    std::uint64_t index = 0;
    std::string bytes;
  };
  const RankFileReader& open(const RankFile& file) const;
  const std::string& part_of(const Place& place, std::uint64_t index) const;
  template <class T>
  void copy_shared(const Place& place, const Slice& wanted, T* out) const;

  std::filesystem::path path_;
  Manifest manifest_;
  std::unordered_map<std::string, const ManifestParameter*> parameters_;
  std::map<std::pair<StateKind, std::string>, std::vector<Place>> places_;
  mutable std::map<const RankFile*, RankFileReader> open_;
  mutable Part last_;  // neighbours are often asked for one after the other
  mutable std::uint64_t bytes_read_ = 0;
};

}  // namespace muybridge
