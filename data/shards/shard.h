#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"

// A shard is one HDF5 file that holds many clips end to end, without padding (docs/shards.md).
// Every byte that a reader hands out is covered by an XXH3-128 hash.
namespace muybridge {

struct ClipRecord {
  std::string caption;          // UTF-8; bytes that are not are replaced when written
  std::string source;           // path relative to the corpus
  double start_seconds = 0;     // where the clip begins in its source
  std::string origin;           // the corpus that `source` is relative to
  std::string video_hash;       // of the source's bytes: clips of one video have the same
  std::string content_hash;     // 32 hex digits: the identity of source, span and settings
  std::string split = "train";  // or "validation", or empty: the index of the corpus chooses
  int frames = 0;
  int height = 0;
  int width = 0;
  int channels = 3;
  double fps = 0;
  DType dtype = DType::kU8;  // kU8: pixels [T,H,W,C]; kF32, kBF16: latents [C,t,h,w]

  std::size_t elements() const {
    return std::size_t(frames) * std::size_t(height) * std::size_t(width) * std::size_t(channels);
  }
  std::size_t bytes() const { return elements() * size_of(dtype); }
  // What the content hashes of all clips of a source, with its caption and settings, begin with.
  static constexpr std::size_t kIdentityDigits = 22;
  std::string source_identity() const { return content_hash.substr(0, kIdentityDigits); }
  bool operator==(const ClipRecord&) const = default;
};

// A source all of whose clips are in this shard and those committed before it.
struct FinishedSource {
  std::string identity;    // what the content hashes of its clips begin with
  std::int64_t clips = 0;  // in all
  bool operator==(const FinishedSource&) const = default;
};

// What index.json says about a shard.
struct ShardSummary {
  std::string file;          // name inside the corpus folder
  std::uint64_t bytes = 0;   // size of the file
  std::string hash;          // of the whole file
  std::string records_hash;  // of its records and settings, which hold the hash of each clip
  std::string settings;      // canonical JSON
  std::vector<ClipRecord> records;
};

// OUT/shard-00012.h5
std::filesystem::path shard_path(const std::filesystem::path& folder, int number);

// Committed shards of a folder, by number. Temporary files are not among them.
std::vector<std::filesystem::path> list_shards(const std::filesystem::path& folder);

// Reads a committed shard once more. Its records are checked, its clips are not: see verify().
// The hash of the file is left empty, and costs nothing, if the records are the ones known already.
ShardSummary summarise_shard(const std::filesystem::path& path,
                             std::string_view known_records_hash = {});

// The number in a shard's file name; -1 for any other name. A new shard takes a free number.
int shard_number(const std::filesystem::path& path);

// Writes OUT/shard-NNNNN.h5.tmp, which commit() makes durable and renames. A writer that is dropped
// before that removes it; a killed one leaves a file that no reader opens. Not thread-safe.
class ShardWriter {
 public:
  // `settings` is JSON that says how the clips were made; all shards of a corpus must agree on it.
  // Throws Error(kUsage) if the shard exists already or settings are not JSON.
  ShardWriter(const std::filesystem::path& folder, int number, const std::string& settings);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // Copies record.bytes() bytes. All clips of a shard have one dtype.
  // Throws Error(kIo) on a full disk; the writer can only be dropped then.
  void add(const ClipRecord& record, const void* data);
  // The same for a clip of pixels whose frames come one by one: `frame(t)` has height * width *
  // channels bytes, valid until the next call.
  using FrameOf = std::function<const std::uint8_t*(int t)>;
  void add(const ClipRecord& record, const FrameOf& frame);

  // To be called when its clips were added, here or to a shard before.
  void finish_source(const FinishedSource& source);

  int clips() const;
  std::uint64_t bytes() const;  // of clip data so far

  // Once, after at least one add().
  ShardSummary commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Opens a committed shard; throws Error(kCorrupt) if its structure or records are damaged.
class ShardReader {
 public:
  explicit ShardReader(const std::filesystem::path& path);
  ~ShardReader();
  ShardReader(ShardReader&&) noexcept;
  ShardReader& operator=(ShardReader&&) noexcept;

  const std::filesystem::path& path() const;
  const std::string& settings() const;
  const std::string& records_hash() const;
  const std::vector<ClipRecord>& records() const;
  const std::vector<FinishedSource>& finished_sources() const;

  // Fills `out`, which has records()[clip].bytes() bytes, and checks their hash: Error(kCorrupt)
  // names file and clip, and `out` is not to be used then. Threads may read at once.
  void read(int clip, std::span<std::byte> out) const;

  // Reads every clip.
  void verify() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace muybridge
