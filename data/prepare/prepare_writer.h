#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data/shards/shard.h"

namespace muybridge {

struct ShardPlan {
  std::filesystem::path folder;
  int part = 0;  // this process writes the shards whose number modulo `parts` is `part`
  int parts = 1;
  std::uint64_t shard_bytes = std::uint64_t{1} << 30;  // of clips; a shard ends behind it
  std::string settings;
};

// Writes clips to shards, whoever has one ready; their order in the shards means nothing
// (corpus_choice.h). Thread-safe.
class PrepareWriter {
 public:
  explicit PrepareWriter(ShardPlan plan);

  // Throws Error(kIo) when the disk is full; what was written before is committed where possible.
  void add(const ClipRecord& record, const ShardWriter::FrameOf& frame);
  // Its clips are all there. Where nothing is written after that no shard can say so; then the next
  // run decodes the source once more and finds its clips.
  void finish_source(const FinishedSource& source);

  // Commits what is there.
  void finish();

  std::int64_t clips() const;  // written so far

 private:
  void require_room(std::uint64_t bytes);
  void open_shard();
  void commit_shard();

  mutable std::mutex mutex_;
  ShardPlan plan_;
  int next_number_;
  std::int64_t clips_ = 0;
  std::optional<ShardWriter> shard_;
  std::vector<FinishedSource> finished_;  // to be said by the next shard
};

}  // namespace muybridge
