#include "model/safetensors_shards.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/system/file.h"
#include "core/text/spelling.h"

namespace muybridge {
namespace {

using nlohmann::json;

constexpr std::string_view kIndexEnding = ".safetensors.index.json", kEnding = ".safetensors";
constexpr std::uint64_t kMostIndexBytes = 100'000'000;
constexpr std::size_t kMostNamed = 8;  // in one message

// The first few of them.
std::string list(const std::vector<std::string>& names) {
  const std::size_t count = std::min(names.size(), kMostNamed);
  const std::string some = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count), ", "));
  return names.size() > count ? fmt::format("{} and {} more", some, names.size() - count) : some;
}

bool is_file_name(std::string_view name) {
  return name.size() > kEnding.size() && name.ends_with(kEnding) &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

// Where keys of one object stand twice, of which a parser keeps one.
class TwiceFinder {
 public:
  bool operator()(int depth, json::parse_event_t event, json& value) {
    const auto level = static_cast<std::size_t>(std::max(depth, 0));
    if (event == json::parse_event_t::object_start) {
      if (keys_.size() < level + 2) keys_.resize(level + 2);
      keys_[level + 1].clear();
    }
    if (event == json::parse_event_t::key && level < keys_.size())
      if (const auto& key = value.get_ref<const std::string&>();
          !keys_[level].insert(key).second && twice.empty())
        twice = key;
    return level < kDeepest;
  }
  std::string twice;

 private:
  static constexpr std::size_t kDeepest = 8;
  std::vector<std::set<std::string>> keys_;
};

std::string read_index(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) fail_errno("stat(" + path.string() + ")", error.value());
  if (size > kMostIndexBytes)
    fail(ExitCode::kCorrupt, "{}: {} bytes are no index's", path.string(), size);
  return read_file(path);
}

// The one file of a folder with this ending; empty where there is none.
std::filesystem::path only_file(const std::filesystem::path& folder, std::string_view ending) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error))
    if (const std::string name = at->path().filename(); name.ends_with(ending))
      found.push_back(name);
  if (error) fail_errno("open(" + folder.string() + ")", error.value());
  std::ranges::sort(found);
  if (found.size() > 1)
    fail(ExitCode::kUsage, "{}: {} files could be meant ({}); name one of them", folder.string(),
         found.size(), list(found));
  return found.empty() ? std::filesystem::path() : folder / found.front();
}

std::filesystem::path file_of(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return path;
  if (const std::filesystem::path index = only_file(path, kIndexEnding); !index.empty())
    return index;
  if (const std::filesystem::path file = only_file(path, kEnding); !file.empty()) return file;
  fail(ExitCode::kUsage, "{}: no {} and no {} file is there", path.string(), kIndexEnding, kEnding);
}

}  // namespace

ShardOfTensor parse_safetensors_index(std::string_view json, const std::string& where) {
  TwiceFinder finder;
  const nlohmann::json index = nlohmann::json::parse(
      json,
      [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
        return finder(depth, event, value);
      },
      /*allow_exceptions=*/false);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object() || map->empty())
    fail(ExitCode::kCorrupt, "{}: no index of shards: it has no object 'weight_map'", where);
  if (!finder.twice.empty())
    fail(ExitCode::kCorrupt, "{}: '{}' stands there twice", where, finder.twice);
  ShardOfTensor shards;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_file_name(file.get_ref<const std::string&>()))
      fail(ExitCode::kCorrupt,
           "{}: tensor '{}' is said to lie in {}; a {} file beside the index is expected", where,
           tensor, file.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), kEnding);
    shards[tensor] = file.get<std::string>();
  }
  return shards;
}

SafetensorsShards::SafetensorsShards(const std::filesystem::path& path) : path_(file_of(path)) {
  if (path_.extension() != ".json") {
    readers_.emplace_back(path_);
    for (const SafetensorsEntry& entry : readers_.front().entries()) reader_of_[entry.name] = 0;
    return;
  }
  const ShardOfTensor shards = parse_safetensors_index(read_index(path_), path_.string());
  std::set<std::string> files;
  for (const auto& [tensor, file] : shards) files.insert(file);
  std::vector<std::string> missing;
  std::error_code error;
  for (const std::string& file : files)
    if (!std::filesystem::exists(path_.parent_path() / file, error)) missing.push_back(file);
  if (!missing.empty())
    fail(ExitCode::kUsage, "{}: {} of {} shards are missing beside it: {}; copy them there",
         path_.string(), missing.size(), files.size(), list(missing));
  for (const std::string& file : files) {
    const SafetensorsReader& reader = readers_.emplace_back(path_.parent_path() / file);
    for (const SafetensorsEntry& entry : reader.entries()) {
      const auto said = shards.find(entry.name);
      if (said == shards.end() || said->second != file)
        fail(ExitCode::kCorrupt, "{}: '{}' lies in {}, the index says {}", path_.string(),
             entry.name, file, said == shards.end() ? "nothing of it" : said->second);
      reader_of_[entry.name] = readers_.size() - 1;
    }
  }
  std::vector<std::string> absent;
  for (const auto& [tensor, file] : shards)
    if (!reader_of_.contains(tensor)) absent.push_back(fmt::format("'{}' from {}", tensor, file));
  if (!absent.empty())
    fail(ExitCode::kCorrupt, "{}: {} tensors are missing from the shards that should have them: {}",
         path_.string(), absent.size(), list(absent));
}

std::vector<std::string> SafetensorsShards::names() const {
  std::vector<std::string> names;
  for (const auto& [name, reader] : reader_of_) names.push_back(name);
  return names;
}

const SafetensorsEntry* SafetensorsShards::find(const std::string& name) const {
  const auto found = reader_of_.find(name);
  return found == reader_of_.end() ? nullptr : readers_[found->second].find(name);
}

const SafetensorsReader& SafetensorsShards::reader_of(const std::string& name) const {
  const auto found = reader_of_.find(name);
  if (found != reader_of_.end()) return readers_[found->second];
  const std::string near = nearest(name, names());
  fail(ExitCode::kUsage, "{}: no tensor '{}'{}", path_.string(), name,
       near.empty() ? "" : fmt::format("; the nearest is '{}'", near));
}

Tensor SafetensorsShards::read(const std::string& name) const { return reader_of(name).read(name); }

void SafetensorsShards::read_into(const std::string& name, const Tensor& to) const {
  reader_of(name).read_into(name, to);
}

}  // namespace muybridge
