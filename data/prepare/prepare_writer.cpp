#include "data/prepare/prepare_writer.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/log.h"

namespace muybridge {
namespace {

// Left free on the disk, so that the index, the report and other programs go on.
constexpr std::uint64_t kReserve = std::uint64_t{16} << 20;

}  // namespace

PrepareWriter::PrepareWriter(ShardPlan plan, const std::vector<ClipSource>& sources,
                             const Holdout& holdout, const PresentUnits& present,
                             PrepareReport& report)
    : plan_(std::move(plan)),
      sources_(sources),
      holdout_(holdout),
      report_(report),
      clips_(present.clips()),
      held_out_(present.validation_clips()),
      next_number_(plan_.part) {}

std::vector<ClipRecord> PrepareWriter::records_of(const PreparedUnit& unit) const {
  const ClipSource& source = sources_[unit.source];
  const DecodedStream& stream = unit.stream;
  const double offset =
      stream.source.fps > 0 ? static_cast<double>(source.cut_first) / stream.source.fps : 0;
  std::vector<ClipRecord> records;
  for (const ClipSpan& span : unit.clips) {
    ClipRecord record;
    record.caption = source.caption;
    record.source = source.name;
    record.start_seconds =
        stream.source.image
            ? 0
            : offset + static_cast<double>(unit.first_frame + span.first) / stream.fps;
    record.content_hash =
        clip_identity(unit.identity, {.clip = static_cast<int>(records.size()),
                                      .clips = static_cast<int>(unit.clips.size()),
                                      .last = unit.last});
    record.split = source.split;
    if (record.split.empty()) {
      const bool out = holdout_.holds_out(unit.opened->hash, record.content_hash);
      record.split = out ? "validation" : "train";
    }
    record.frames = span.count;
    record.height = unit.frames.height;
    record.width = unit.frames.width;
    record.fps = stream.fps;
    records.push_back(std::move(record));
  }
  return records;
}

// Sums up a source over its units; says what is to be said when the last one is there.
void PrepareWriter::note_source(const PreparedUnit& unit) {
  if (unit.source != source_) tally_ = SourceTally{};
  source_ = unit.source;
  tally_.made += static_cast<std::int64_t>(unit.clips.size());
  tally_.present += unit.present ? 1 : 0;
  tally_.frames += unit.frames.count;
  if (tally_.problem.empty()) tally_.problem = unit.problem;
  report_.frames_decoded += unit.frames.count;
  if (!unit.last) return;
  const std::string& name = sources_[unit.source].name;
  ++report_.sources;
  if (tally_.made == 0 && tally_.present == 0) {
    report_.skipped.push_back(
        {name, !tally_.problem.empty()
                   ? tally_.problem
                   : fmt::format("too short: {} frames, no scene has enough", tally_.frames)});
  } else if (!tally_.problem.empty()) {
    report_.notes.push_back({name, fmt::format("damaged: {}; {} clips before or beside it are used",
                                               tally_.problem, tally_.made)});
  } else if (tally_.made == 0) {
    ++report_.sources_present;
  }
}

void PrepareWriter::add(PreparedUnit unit) {
  const std::string& name = sources_[unit.source].name;
  if (!unit.identity.empty() && !seen_.insert(unit.identity).second) {
    if (unit.unit == 0) {
      report_.notes.push_back({name, "the same video and caption are in the corpus already"});
    }
    unit.present = true;
    unit.clips.clear();
    unit.frames = Frames{};
  }
  note_source(unit);
  if (unit.clips.empty()) return;
  Held next{std::move(unit), {}};
  next.records = records_of(next.unit);
  if (held_) write(*held_);
  clips_ += static_cast<std::int64_t>(next.records.size());
  held_out_ += std::count_if(next.records.begin(), next.records.end(),
                             [](const ClipRecord& record) { return record.split == "validation"; });
  held_ = std::move(next);
}

void PrepareWriter::finish(bool complete) {
  if (held_) {
    ClipRecord& last = held_->records.back();
    const bool free = sources_[held_->unit.source].split.empty();
    if (complete && free && plan_.part == 0 && holdout_.needs_one(clips_, held_out_)) {
      last.split = "validation";
    }
    write(*held_);
    held_.reset();
  }
  commit_shard();
}

void PrepareWriter::write(const Held& held) {
  std::uint64_t bytes = 0;
  for (const ClipRecord& record : held.records) bytes += record.bytes();
  require_room(bytes);
  if (!shard_) open_shard();
  try {
    for (std::size_t i = 0; i < held.records.size(); ++i) {
      shard_->add(held.records[i], held.unit.frames.frame(held.unit.clips[i].first));
    }
  } catch (...) {
    shard_.reset();
    throw;
  }
  report_.clips_made += static_cast<std::int64_t>(held.records.size());
  if (shard_->bytes() >= plan_.shard_bytes) commit_shard();
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
  const ShardSummary summary = shard_->commit();
  shard_.reset();
  log_debug("{} committed: {} clips", summary.file, summary.records.size());
}

}  // namespace muybridge
