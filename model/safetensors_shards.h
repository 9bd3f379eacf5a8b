#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/safetensors.h"

namespace muybridge {

// What an index beside shards says: {"weight_map": {"tensor": "file"}}, as the transformers and
// diffusers libraries write it; its "metadata" is not read. Files lie in the index's own folder.
using ShardOfTensor = std::map<std::string, std::string>;

// Throws Error(kCorrupt) that begins with `where`: no such object, a tensor that is named twice, a
// file's name that leads out of the folder or is no ".safetensors".
ShardOfTensor parse_safetensors_index(std::string_view json, const std::string& where);

// The tensors of one safetensors file or of several with an index.
class SafetensorsShards {
 public:
  // `path`: a .safetensors file, an index (.json), or a folder with one index, or else with one
  // .safetensors file. Throws as SafetensorsReader does; Error(kUsage) where a folder has none or
  // several, or where shards are missing (all of them are named); Error(kCorrupt) where shards and
  // index do not agree on who has which tensor.
  explicit SafetensorsShards(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }  // of the file or of the index
  std::vector<std::string> names() const;                      // ascending
  const SafetensorsEntry* find(const std::string& name) const;

  // As SafetensorsReader's; Error(kUsage) for a name that none has.
  Tensor read(const std::string& name) const;
  void read_into(const std::string& name, const Tensor& to) const;

 private:
  const SafetensorsReader& reader_of(const std::string& name) const;

  std::filesystem::path path_;
  std::vector<SafetensorsReader> readers_;
  std::map<std::string, std::size_t> reader_of_;  // by tensor
};

}  // namespace muybridge
