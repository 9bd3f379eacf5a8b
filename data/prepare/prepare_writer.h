#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/corpus/corpus_listing.h"
#include "data/prepare/holdout.h"
#include "data/prepare/prepare_queue.h"
#include "data/prepare/prepare_report.h"
#include "data/prepare/prepare_units.h"
#include "data/shards/shard.h"

namespace muybridge {

struct ShardPlan {
  std::filesystem::path folder;
  int part = 0;  // this process writes the shards whose number modulo `parts` is `part`
  int parts = 1;
  std::uint64_t shard_bytes = std::uint64_t{1} << 30;  // of clips; a shard ends after a whole unit
  std::string settings;
};

// Writes units to shards in the order in which they come and keeps the report. Holds the latest
// unit back until it knows whether another follows.
class PrepareWriter {
 public:
  PrepareWriter(ShardPlan plan, const std::vector<ClipSource>& sources, const Holdout& holdout,
                const PresentUnits& present, PrepareReport& report);

  // Throws Error(kIo) when the disk is full; what was written before is committed where possible.
  void add(PreparedUnit unit);

  // Commits what is there. `complete`: every unit of the corpus was added.
  void finish(bool complete);

 private:
  struct Held {
    PreparedUnit unit;
    std::vector<ClipRecord> records;
  };
  void note_source(const PreparedUnit& unit);
  std::vector<ClipRecord> records_of(const PreparedUnit& unit) const;
  void write(const Held& held);
  void require_room(std::uint64_t bytes);
  void open_shard();
  void commit_shard();

  ShardPlan plan_;
  const std::vector<ClipSource>& sources_;
  Holdout holdout_;
  PrepareReport& report_;
  std::int64_t clips_;  // in the corpus, with those held back
  std::int64_t held_out_;
  std::set<std::string> seen_;  // units of this run
  int next_number_;
  std::optional<Held> held_;
  std::optional<ShardWriter> shard_;
  std::size_t source_ = SIZE_MAX;  // whose units are being added
  SourceTally tally_;
};

}  // namespace muybridge
