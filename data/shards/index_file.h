#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "data/shards/corpus_choice.h"
#include "data/shards/shard.h"

// FOLDER/index.json (docs/shards.md).
namespace muybridge {

// What the index knows of a clip without opening its shard.
struct CorpusClip {
  int shard = 0;  // position in IndexFile::shards
  int clip = 0;   // within the shard
  int frames = 0;
  int height = 0;
  int width = 0;
  int channels = 0;
  double fps = 0;  // frames a second
  bool validation = false;
};

struct CorpusShard {
  std::string file;
  std::uint64_t bytes = 0;
  std::string hash;
  std::string records_hash;
  int clips = 0;  // in the file, whether they count or not
};

struct IndexFile {
  std::string settings;  // JSON
  std::string identity;  // a hash of the settings and of every clip and its split
  DType dtype = DType::kU8;
  std::vector<CorpusShard> shards;
  std::vector<CorpusClip> clips;  // that count, in order
  ChoiceRules rules;
};

std::filesystem::path index_path(const std::filesystem::path& folder);

// Throws Error(kIo) if there is none, Error(kCorrupt) if it was changed or is of another format.
IndexFile read_index(const std::filesystem::path& folder);

// Replaces it at once, by what is in the shards and the clips of them that were chosen. The shards
// have one dtype and one set of settings.
IndexFile write_index(const std::filesystem::path& folder, const std::vector<ShardSummary>& shards,
                      const Choice& choice, const ChoiceRules& rules);

}  // namespace muybridge
