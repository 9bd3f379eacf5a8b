#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "data/shards/corpus_choice.h"
#include "data/shards/index_file.h"
#include "data/shards/shard.h"

namespace muybridge {

// A prepared corpus: the clips that index.json vouches for, numbered by source and time, however
// they lie in the shards (corpus_choice.h). A shard is opened and held against the index when it
// is first used; the bytes of a clip are held against their hash whenever they are read. Threads
// may share an index.
class CorpusIndex {
 public:
  // Reads FOLDER/index.json. Throws Error(kIo) if it is not there, Error(kCorrupt) if it was
  // changed, Error(kUsage) if it has no clips.
  static CorpusIndex open(const std::filesystem::path& folder);

  // The same, and every clip counts as held out: a corpus that is only measured on.
  static CorpusIndex open_held_out(const std::filesystem::path& folder);

  // Lists the shards of a folder and replaces index.json at once. Shards that the present index
  // knows are not hashed again. Throws Error(kUsage) if the settings of two shards differ. The
  // result may have no clips.
  static CorpusIndex build(const std::filesystem::path& folder, const ChoiceRules& rules = {});

  // What the present index of a folder was built by; the defaults where there is none.
  static ChoiceRules rules_of(const std::filesystem::path& folder);

  ~CorpusIndex();
  CorpusIndex(CorpusIndex&&) noexcept;
  CorpusIndex& operator=(CorpusIndex&&) noexcept;

  const std::filesystem::path& folder() const;
  const std::string& settings() const;  // JSON
  // A hash of the settings and of every clip and its split: the same for the same corpus, whoever
  // prepared it.
  const std::string& identity() const;
  const Choice& choice() const;  // of build(): what was left out, and why
  DType dtype() const;
  const std::vector<CorpusShard>& shards() const;
  const std::vector<CorpusClip>& clips() const;
  // Numbers of the clips of a split, "train" or "validation".
  std::vector<std::int64_t> clips_of(std::string_view split) const;

  // Opens and checks a shard, unless it is open. Few hundred stay open.
  std::shared_ptr<const ShardReader> shard(int index) const;
  ClipRecord record(std::int64_t clip) const;
  std::size_t clip_bytes(std::int64_t clip) const;
  // `out` has clip_bytes(clip) bytes.
  void read(std::int64_t clip, std::span<std::byte> out) const;

  // "shard-00003.h5 clip 17" for messages, at no cost.
  std::string name_of_clip(std::int64_t clip) const;

  // Hashes every file and opens every shard.
  void verify() const;

 private:
  struct State;
  explicit CorpusIndex(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace muybridge
