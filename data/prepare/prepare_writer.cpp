#include "data/prepare/prepare_writer.h"

#include <utility>

#include "core/error.h"
#include "core/log.h"

namespace muybridge {
namespace {

// Left free on the disk, so that the index, the report and other programs go on.
constexpr std::uint64_t kReserve = std::uint64_t{16} << 20;

}  // namespace

PrepareWriter::PrepareWriter(ShardPlan plan) : plan_(std::move(plan)), next_number_(plan_.part) {}

void PrepareWriter::add(const ClipRecord& record, const ShardWriter::FrameOf& frame) {
  const std::scoped_lock lock(mutex_);
  if (shard_ && shard_->bytes() >= plan_.shard_bytes) commit_shard();
  require_room(record.bytes());
  if (!shard_) open_shard();
  try {
    shard_->add(record, frame);
  } catch (...) {
    shard_.reset();
    throw;
  }
  ++clips_;
}

void PrepareWriter::finish_source(const FinishedSource& source) {
  const std::scoped_lock lock(mutex_);
  finished_.push_back(source);
}

void PrepareWriter::finish() {
  const std::scoped_lock lock(mutex_);
  commit_shard();
}

std::int64_t PrepareWriter::clips() const {
  const std::scoped_lock lock(mutex_);
  return clips_;
}

// Looks before it writes: a shard that meets a full disk is lost, one that ends before is not.
void PrepareWriter::require_room(std::uint64_t bytes) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(plan_.folder, error);
  if (error || space.available >= bytes + kReserve) return;
  commit_shard();
  fail(ExitCode::kIo,
       "{}: the disk is full: {} MB are needed, {} MB are left; what was prepared is safe: free "
       "some space and give the same command again",
       plan_.folder.string(), (bytes + kReserve) >> 20, space.available >> 20);
}

void PrepareWriter::open_shard() {
  while (std::filesystem::exists(shard_path(plan_.folder, next_number_))) {
    next_number_ += plan_.parts;
  }
  shard_.emplace(plan_.folder, next_number_, plan_.settings);
}

void PrepareWriter::commit_shard() {
  if (!shard_) return;
  for (const FinishedSource& source : finished_) shard_->finish_source(source);
  finished_.clear();
  const ShardSummary summary = shard_->commit();
  shard_.reset();
  log_debug("{} committed: {} clips", summary.file, summary.records.size());
}

}  // namespace muybridge
