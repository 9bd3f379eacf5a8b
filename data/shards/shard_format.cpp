#include "data/shards/shard_format.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge::shard_format {
namespace {

using Json = nlohmann::json;

constexpr int kLargestExtent = 1 << 20;
constexpr std::size_t kLargestClip = std::size_t{1} << 40;  // elements

// Why a record cannot be stored; empty if it can.
std::string fault_of(const ClipRecord& record) {
  for (const int extent : {record.frames, record.height, record.width, record.channels})
    if (extent <= 0 || extent > kLargestExtent)
      return fmt::format("its size is {}x{}x{}x{}", record.frames, record.height, record.width,
                         record.channels);
  // Two extents at a time, so that nothing overflows.
  const std::size_t picture = std::size_t(record.height) * std::size_t(record.width);
  const std::size_t depth = std::size_t(record.frames) * std::size_t(record.channels);
  if (picture > kLargestClip / depth)
    return fmt::format("its size {}x{}x{}x{} is too large", record.frames, record.height,
                       record.width, record.channels);
  if (!std::isfinite(record.start_seconds) || !std::isfinite(record.fps))
    return "its start or frame rate is not a number";
  if (!record.split.empty() && record.split != "train" && record.split != "validation")
    return fmt::format("its split is '{}', neither train nor validation", record.split);
  if (record.dtype != DType::kU8 && record.dtype != DType::kF32 && record.dtype != DType::kBF16)
    return fmt::format("its type {} is none of u8, f32, bf16", name_of(record.dtype));
  return {};
}

Json to_json(const StoredClip& clip) {
  const ClipRecord& record = clip.record;
  return {{"caption", record.caption},
          {"source", record.source},
          {"origin", record.origin},
          {"video_hash", record.video_hash},
          {"start_seconds", record.start_seconds},
          {"content_hash", record.content_hash},
          {"split", record.split},
          {"grid", {record.frames, record.height, record.width, record.channels}},
          {"fps", record.fps},
          {"offset", clip.offset},
          {"data_hash", clip.data_hash}};
}

StoredClip from_json(const Json& json, DType dtype) {
  StoredClip clip;
  ClipRecord& record = clip.record;
  record.caption = json.at("caption").get<std::string>();
  record.source = json.at("source").get<std::string>();
  record.start_seconds = json.at("start_seconds").get<double>();
  record.origin = json.at("origin").get<std::string>();
  record.video_hash = json.at("video_hash").get<std::string>();
  record.content_hash = json.at("content_hash").get<std::string>();
  record.split = json.at("split").get<std::string>();
  const Json& grid = json.at("grid");
  record.frames = grid.at(0).get<int>();
  record.height = grid.at(1).get<int>();
  record.width = grid.at(2).get<int>();
  record.channels = grid.at(3).get<int>();
  record.fps = json.at("fps").get<double>();
  record.dtype = dtype;
  clip.offset = json.at("offset").get<std::uint64_t>();
  clip.data_hash = json.at("data_hash").get<std::string>();
  return clip;
}

}  // namespace

std::string canonical_settings(std::string_view settings) {
  const Json json = Json::parse(settings, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    fail(ExitCode::kUsage, "shard: settings must be a JSON object, not '{}'", settings);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void check_record(const ClipRecord& record) {
  if (const std::string fault = fault_of(record); !fault.empty())
    fail(ExitCode::kUsage, "shard: clip {} at {} s cannot be stored: {}", record.source,
         record.start_seconds, fault);
}

std::string to_lines(const std::vector<StoredClip>& clips) {
  std::string lines;
  for (const StoredClip& clip : clips)
    lines += to_json(clip).dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  return lines;
}

std::vector<StoredClip> from_lines(std::string_view lines, DType dtype, std::uint64_t elements,
                                   const std::string& file) {
  std::vector<StoredClip> clips;
  std::uint64_t expected_offset = 0;
  while (!lines.empty()) {
    const std::size_t length = std::min(lines.find('\n'), lines.size());
    try {
      clips.push_back(from_json(Json::parse(lines.substr(0, length)), dtype));
    } catch (const Json::exception& error) {
      fail(ExitCode::kCorrupt, "{}: the record of clip {} cannot be read: {}", file, clips.size(),
           error.what());
    }
    lines.remove_prefix(std::min(length + 1, lines.size()));
    const StoredClip& clip = clips.back();
    std::string fault = fault_of(clip.record);
    if (fault.empty() &&
        (clip.offset != expected_offset || clip.record.elements() > elements - expected_offset))
      fault = fmt::format("it lies at {} of {} elements", clip.offset, elements);
    if (!fault.empty())
      fail(ExitCode::kCorrupt, "{}: the record of clip {} ({} at {} s) is damaged: {}", file,
           clips.size() - 1, clip.record.source, clip.record.start_seconds, fault);
    expected_offset += clip.record.elements();
  }
  if (clips.empty() || expected_offset != elements)
    fail(ExitCode::kCorrupt, "{}: {} clips hold {} elements, the file {}", file, clips.size(),
         expected_offset, elements);
  return clips;
}

std::string to_lines(const std::vector<FinishedSource>& sources) {
  std::string lines;
  for (const FinishedSource& source : sources)
    lines += Json{{"identity", source.identity}, {"clips", source.clips}}.dump() + '\n';
  return lines;
}

std::vector<FinishedSource> sources_from_lines(std::string_view lines, const std::string& file) {
  std::vector<FinishedSource> sources;
  while (!lines.empty()) {
    const std::size_t length = std::min(lines.find('\n'), lines.size());
    try {
      const Json json = Json::parse(lines.substr(0, length));
      sources.push_back(
          {json.at("identity").get<std::string>(), json.at("clips").get<std::int64_t>()});
    } catch (const Json::exception& error) {
      fail(ExitCode::kCorrupt, "{}: its finished source {} cannot be read: {}", file,
           sources.size(), error.what());
    }
    lines.remove_prefix(std::min(length + 1, lines.size()));
  }
  return sources;
}

std::string hash_records(std::string_view settings, std::string_view lines,
                         std::string_view sources) {
  std::string all(settings);
  for (const std::string_view part : {lines, sources}) {
    all += '\n';
    all += part;
  }
  return hash_bytes(all.data(), all.size());
}

}  // namespace muybridge::shard_format
