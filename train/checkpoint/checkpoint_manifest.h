#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "train/checkpoint/catalogue.h"
#include "train/checkpoint/checkpoint_format.h"

// manifest.json: what a commit is, and the hashes that vouch for it. Its first key is the hash of
// its own bytes.
namespace muybridge {

struct Manifest {
  std::string version = {};  // of Muybridge
  std::int64_t step = 0;
  std::uint64_t seed = 0;
  int ranks = 1;              // that wrote it
  DType dtype = DType::kF32;  // of all pieces
  nlohmann::json loader_position = {};
  nlohmann::json extra = {};
  std::string config = {};  // the resolved YAML
  Catalogue parameters = {};
  std::vector<RankFile> files = {};

  const ManifestParameter* find(const std::string& name) const;
  bool has(StateKind kind) const;
};

nlohmann::ordered_json to_json(const RankFile& file);
// `dtype` is that of its pieces. Throws nlohmann::json::exception for another structure.
RankFile rank_file_from_json(const nlohmann::json& object, DType dtype);

std::string to_text(const Manifest& manifest);
// Throws Error(kCorrupt), which begins with `where`, unless every byte is as it was written and
// the pieces hold each element of each kind exactly once.
Manifest manifest_from_text(std::string text, const std::string& where);
Manifest read_manifest(const std::filesystem::path& commit);

}  // namespace muybridge
