#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/shards/shard.h"

// What a shard's file is made of (docs/shards.md); the writer and the reader share it.
namespace muybridge::shard_format {

constexpr const char* kFormatLabel = "format";
constexpr const char* kFormat = "muybridge-shard-2";
constexpr const char* kDTypeLabel = "dtype";
constexpr const char* kHashLabel = "records_hash";
constexpr const char* kData = "data";          // all clips' elements end to end
constexpr const char* kRecords = "records";    // UTF-8, a JSON object a line, a line a clip
constexpr const char* kSettings = "settings";  // UTF-8, one JSON object
constexpr const char* kSources = "sources";    // UTF-8, a JSON object a line: FinishedSource

// Large, for HDF5 1.10 takes a time quadratic in their number to say where chunks lie.
constexpr std::size_t kChunkBytes = 4 << 20;

// A clip's record and where its elements lie in the flat data set.
struct StoredClip {
  ClipRecord record;
  std::uint64_t offset = 0;  // elements
  std::string data_hash;     // of its bytes
};

// Throws Error(kUsage) if the text is not a JSON object.
std::string canonical_settings(std::string_view settings);

// Throws Error(kUsage) that names the clip when a size is not positive or too large, a time is not
// finite, the split is unknown or the data type cannot be stored.
void check_record(const ClipRecord& record);

std::string to_lines(const std::vector<StoredClip>& clips);

// Throws Error(kCorrupt), which begins with `file`, unless every line is a clip that lies within
// `elements`, end to end.
std::vector<StoredClip> from_lines(std::string_view lines, DType dtype, std::uint64_t elements,
                                   const std::string& file);

std::string to_lines(const std::vector<FinishedSource>& sources);
// Throws Error(kCorrupt), which begins with `file`.
std::vector<FinishedSource> sources_from_lines(std::string_view lines, const std::string& file);

std::string hash_records(std::string_view settings, std::string_view lines,
                         std::string_view sources);

}  // namespace muybridge::shard_format
