#include <algorithm>
#include <charconv>
#include <system_error>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "data/shards/shard.h"
#include "data/shards/shard_format.h"
#include "data/shards/shard_hdf5.h"

namespace muybridge {
namespace {

using namespace shard_format;

hid_t stored_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return H5T_IEEE_F32LE;
    case DType::kBF16:
      return H5T_STD_U16LE;  // HDF5 1.10 knows no bfloat16; the label says what the bits mean
    default:
      return H5T_STD_U8LE;
  }
}

hid_t memory_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return H5T_NATIVE_FLOAT;
    case DType::kBF16:
      return H5T_NATIVE_UINT16;
    default:
      return H5T_NATIVE_UINT8;
  }
}

constexpr std::string_view kPrefix = "shard-";
constexpr std::string_view kSuffix = ".h5";

}  // namespace

std::filesystem::path shard_path(const std::filesystem::path& folder, int number) {
  return folder / fmt::format("{}{:05d}{}", kPrefix, number, kSuffix);
}

int shard_number(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return -1;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size() - kSuffix.size();
  int number = -1;
  const auto [stop, error] = std::from_chars(begin, end, number);
  // The same number has one spelling only.
  return error == std::errc() && stop == end && shard_path({}, number).string() == name ? number
                                                                                        : -1;
}

std::vector<std::filesystem::path> list_shards(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> shards;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (shard_number(entry->path()) >= 0) shards.push_back(entry->path());
  if (error) fail_errno("opendir(" + folder.string() + ")", error.value());
  std::ranges::sort(shards, {}, &shard_number);
  return shards;
}

// Clips gather in `pending` until a chunk of the file is full, so that chunks are written once.
struct ShardWriter::State {
  std::filesystem::path path;
  std::filesystem::path temporary;
  hdf5::Checker check;
  std::string settings;
  hdf5::File file;
  hdf5::Dataset data;
  std::vector<StoredClip> clips;
  std::vector<FinishedSource> sources;
  std::vector<std::byte> pending;
  std::uint64_t written = 0;  // elements
  bool broken = false;        // a write failed
  bool committed = false;

  DType type = DType::kU8;  // of all clips

  DType dtype() const { return type; }
  std::uint64_t elements() const {
    return clips.empty() ? 0 : clips.back().offset + clips.back().record.elements();
  }

  // A failure between begin() and end() leaves the writer broken.
  void begin(const ClipRecord& record) {
    if (broken || committed)
      fail(ExitCode::kInternal, "shard: {} takes no more clips", path.string());
    check_record(record);
    if (!clips.empty() && record.dtype != dtype())
      fail(ExitCode::kUsage, "shard: clip {} is {}, but {} holds {}; a shard has one type",
           record.source, name_of(record.dtype), path.string(), name_of(dtype()));
    type = record.dtype;
    broken = true;
  }

  void end(const ClipRecord& record, std::string hash) {
    clips.push_back({record, elements(), std::move(hash)});
    broken = false;
  }

  void append(const std::byte* bytes, std::size_t count) {
    while (count > 0) {
      const std::size_t part = std::min(count, kChunkBytes - pending.size());
      pending.insert(pending.end(), bytes, bytes + part);
      bytes += part;
      count -= part;
      if (pending.size() == kChunkBytes) write_pending();
    }
  }

  void write_pending() {
    if (pending.empty()) return;
    const hsize_t count = pending.size() / size_of(dtype());
    // A shard smaller than a chunk has one that fits.
    if (!data) data = hdf5::create_flat(file, kData, stored_type(dtype()), count, check);
    hdf5::write_flat(data, memory_type(dtype()), written, count, pending.data(), check);
    written += count;
    pending.clear();
  }

  void finish() {
    write_pending();
    const std::string lines = to_lines(clips);
    const std::string finished = to_lines(sources);
    hdf5::write_text(file, kRecords, lines, check);
    hdf5::write_text(file, kSources, finished, check);
    hdf5::write_text(file, kSettings, settings, check);
    hdf5::write_label(file, kFormatLabel, kFormat, check);
    hdf5::write_label(file, kDTypeLabel, name_of(dtype()), check);
    hdf5::write_label(file, kHashLabel, hash_records(settings, lines, finished), check);
    data.close(check, "H5Dclose");
    {
      const hdf5::Lock lock;
      check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "H5Fflush");
    }
    file.close(check, "H5Fclose");
    sync_path(temporary);
  }
};

ShardWriter::ShardWriter(const std::filesystem::path& folder, int number,
                         const std::string& settings)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.settings = canonical_settings(settings);
  state.path = shard_path(folder, number);
  state.temporary = state.path.string() + ".tmp";
  state.check = {state.temporary, ExitCode::kIo};
  if (number < 0) fail(ExitCode::kUsage, "shard: {} is not a number for a shard", number);
  if (std::filesystem::exists(state.path))
    fail(ExitCode::kUsage, "shard: {} exists already; choose another number", state.path.string());
  state.file = hdf5::create_file(state.temporary);
}

ShardWriter::~ShardWriter() {
  if (!state_ || state_->committed) return;
  state_->data = {};
  state_->file = {};
  // After a failed close the library keeps the file open; emptied, it holds no room on the disk.
  std::error_code ignored;
  std::filesystem::resize_file(state_->temporary, 0, ignored);
  if (!std::filesystem::remove(state_->temporary, ignored))
    log_warning("{} could not be removed: {}", state_->temporary.string(), ignored.message());
}

void ShardWriter::add(const ClipRecord& record, const void* data) {
  const auto* bytes = static_cast<const std::byte*>(data);
  const std::size_t count = record.bytes();
  state_->begin(record);
  state_->append(bytes, count);
  state_->end(record, hash_bytes(data, count));
}

void ShardWriter::add(const ClipRecord& record, const FrameOf& frame) {
  const std::size_t bytes = record.bytes() / static_cast<std::size_t>(std::max(record.frames, 1));
  state_->begin(record);
  Hasher hasher;
  for (int t = 0; t < record.frames; ++t) {
    const std::uint8_t* const rgb = frame(t);
    hasher.add(rgb, bytes);
    state_->append(reinterpret_cast<const std::byte*>(rgb), bytes);
  }
  state_->end(record, hasher.hex());
}

void ShardWriter::finish_source(const FinishedSource& source) { state_->sources.push_back(source); }

int ShardWriter::clips() const { return static_cast<int>(state_->clips.size()); }

std::uint64_t ShardWriter::bytes() const {
  return state_->clips.empty() ? 0 : state_->elements() * size_of(state_->dtype());
}

ShardSummary ShardWriter::commit() {
  State& state = *state_;
  if (state.broken || state.committed || state.clips.empty())
    fail(ExitCode::kInternal, "shard: {} cannot be committed: it {}", state.path.string(),
         state.broken      ? "failed before"
         : state.committed ? "is committed already"
                           : "has no clips");
  state.broken = true;
  state.finish();
  // What the disk gives back is what counts: nothing is committed that was not read again.
  ShardReader(state.temporary).verify();
  rename_durably(state.temporary, state.path);
  state.committed = true;
  return summarise_shard(state.path);
}

}  // namespace muybridge
