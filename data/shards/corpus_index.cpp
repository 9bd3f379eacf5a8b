#include "data/shards/corpus_index.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"

namespace muybridge {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "muybridge-corpus-1";
constexpr const char* kFile = "index.json";
constexpr std::size_t kOpenShards = 400;  // a process may usually have 1024 files open

std::string hash_text(const std::string& text) { return hash_bytes(text.data(), text.size()); }

Json to_json(const ShardSummary& shard) {
  Json grids = Json::array();
  Json validation = Json::array();
  for (std::size_t i = 0; i < shard.records.size(); ++i) {
    const ClipRecord& record = shard.records[i];
    grids.push_back({record.frames, record.height, record.width, record.channels});
    if (record.split == "validation") validation.push_back(i);
  }
  return {{"file", shard.file},
          {"bytes", shard.bytes},
          {"hash", shard.hash},
          {"records_hash", shard.records_hash},
          {"dtype", name_of(shard.records.at(0).dtype)},
          {"grids", std::move(grids)},
          {"validation", std::move(validation)}};
}

}  // namespace

struct CorpusIndex::State {
  std::filesystem::path folder;
  std::string settings;
  std::string identity;
  DType dtype = DType::kU8;
  std::vector<CorpusShard> shards;
  std::vector<CorpusClip> clips;

  // Open shards, the last used first.
  std::mutex mutex;
  std::list<std::pair<int, std::shared_ptr<const ShardReader>>> open;

  void add_shard(const Json& json);
  std::shared_ptr<const ShardReader> open_checked(const CorpusShard& shard) const;
};

void CorpusIndex::State::add_shard(const Json& json) {
  CorpusShard shard;
  shard.file = json.at("file").get<std::string>();
  shard.bytes = json.at("bytes").get<std::uint64_t>();
  shard.hash = json.at("hash").get<std::string>();
  shard.records_hash = json.at("records_hash").get<std::string>();
  shard.first_clip = static_cast<std::int64_t>(clips.size());
  shard.clips = static_cast<int>(json.at("grids").size());
  dtype = dtype_from_name(json.at("dtype").get<std::string>());
  const int number = static_cast<int>(shards.size());
  for (const Json& grid : json.at("grids"))
    clips.push_back({number, static_cast<int>(clips.size()) - static_cast<int>(shard.first_clip),
                     grid.at(0).get<int>(), grid.at(1).get<int>(), grid.at(2).get<int>(),
                     grid.at(3).get<int>(), false});
  for (const Json& clip : json.at("validation"))
    clips.at(static_cast<std::size_t>(shard.first_clip) + clip.get<std::size_t>()).validation =
        true;
  shards.push_back(std::move(shard));
}

std::shared_ptr<const ShardReader> CorpusIndex::State::open_checked(
    const CorpusShard& shard) const {
  const std::filesystem::path path = folder / shard.file;
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  if (error) fail_errno("stat(" + path.string() + ")", error.value());
  if (bytes != shard.bytes)
    fail(ExitCode::kCorrupt,
         "{}: it has {} bytes, {} says {}; restore the shard, or delete it and prepare again",
         path.string(), bytes, kFile, shard.bytes);
  auto reader = std::make_shared<const ShardReader>(path);
  if (reader->records_hash() != shard.records_hash)
    fail(ExitCode::kCorrupt,
         "{}: its clips are not those that {} lists; restore the shard, or prepare again",
         path.string(), kFile);
  return reader;
}

CorpusIndex::CorpusIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
CorpusIndex::~CorpusIndex() = default;
CorpusIndex::CorpusIndex(CorpusIndex&&) noexcept = default;
CorpusIndex& CorpusIndex::operator=(CorpusIndex&&) noexcept = default;

CorpusIndex CorpusIndex::open(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kFile;
  if (!std::filesystem::exists(path))
    fail(ExitCode::kIo, "{}: not found; make the corpus with `muybridge prepare`", path.string());
  auto state = std::make_unique<State>();
  state->folder = folder;
  try {
    const Json json = Json::parse(read_file(path));
    if (const std::string format = json.at("format").get<std::string>(); format != kFormat)
      fail(ExitCode::kCorrupt, "{}: its format is '{}', this program reads '{}'", path.string(),
           format, kFormat);
    const Json& corpus = json.at("corpus");
    state->identity = json.at("hash").get<std::string>();
    if (hash_text(corpus.dump()) != state->identity)
      fail(ExitCode::kCorrupt,
           "{}: it does not match its own hash; run `muybridge prepare` again, which lists the "
           "shards anew",
           path.string());
    state->settings = corpus.at("settings").dump();
    for (const Json& shard : corpus.at("shards")) state->add_shard(shard);
  } catch (const Json::exception& error) {
    fail(ExitCode::kCorrupt, "{}: {}; run `muybridge prepare` again, which lists the shards anew",
         path.string(), error.what());
  } catch (const std::logic_error& error) {
    fail(ExitCode::kCorrupt, "{}: {}", path.string(), error.what());
  }
  if (state->clips.empty())
    fail(ExitCode::kUsage, "{}: the corpus has no clips; see its report.json for the reasons",
         folder.string());
  return CorpusIndex(std::move(state));
}

CorpusIndex CorpusIndex::build(const std::filesystem::path& folder) {
  // What the present index knows, if there is one that can be trusted.
  std::vector<CorpusShard> known;
  if (std::filesystem::exists(folder / kFile)) try {
      known = open(folder).shards();
    } catch (const Error& error) {
      log_warning("{}; listing all shards anew", error.what());
    }

  Json corpus = {{"shards", Json::array()}, {"settings", Json::object()}};
  std::string first_file, first_settings, first_dtype;
  for (const std::filesystem::path& path : list_shards(folder)) {
    const std::string file = path.filename().string();
    const auto same = std::ranges::find(known, file, &CorpusShard::file);
    ShardSummary shard = summarise_shard(path, same == known.end() ? "" : same->records_hash);
    if (shard.hash.empty()) shard.hash = same->hash;
    const std::string dtype(name_of(shard.records.at(0).dtype));
    if (first_file.empty()) {
      first_file = file;
      first_settings = shard.settings;
      first_dtype = dtype;
    }
    if (shard.settings != first_settings || dtype != first_dtype)
      fail(ExitCode::kUsage,
           "{}: shards were made with different settings:\n  {}: {} {}\n  {}: {} {}\nprepare each "
           "into a folder of its own",
           folder.string(), first_file, first_dtype, first_settings, file, dtype, shard.settings);
    corpus["shards"].push_back(to_json(shard));
  }
  if (!first_file.empty()) corpus["settings"] = Json::parse(first_settings);
  const std::string hash = hash_text(corpus.dump());
  const Json json = {{"format", kFormat}, {"hash", hash}, {"corpus", std::move(corpus)}};
  write_file_durably(folder / kFile, json.dump() + '\n');
  return open(folder);
}

CorpusIndex CorpusIndex::open_held_out(const std::filesystem::path& folder) {
  CorpusIndex corpus = open(folder);
  for (CorpusClip& clip : corpus.state_->clips) clip.validation = true;
  return corpus;
}

const std::filesystem::path& CorpusIndex::folder() const { return state_->folder; }
const std::string& CorpusIndex::settings() const { return state_->settings; }
const std::string& CorpusIndex::identity() const { return state_->identity; }
DType CorpusIndex::dtype() const { return state_->dtype; }
const std::vector<CorpusShard>& CorpusIndex::shards() const { return state_->shards; }
const std::vector<CorpusClip>& CorpusIndex::clips() const { return state_->clips; }

std::vector<std::int64_t> CorpusIndex::clips_of(std::string_view split) const {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < state_->clips.size(); ++i)
    if (state_->clips[i].validation == (split == "validation"))
      numbers.push_back(static_cast<std::int64_t>(i));
  return numbers;
}

std::shared_ptr<const ShardReader> CorpusIndex::shard(int index) const {
  State& state = *state_;
  const std::scoped_lock lock(state.mutex);
  const auto found =
      std::ranges::find(state.open, index, [](const auto& pair) { return pair.first; });
  if (found != state.open.end()) {
    state.open.splice(state.open.begin(), state.open, found);
  } else {
    state.open.emplace_front(index,
                             state.open_checked(state.shards.at(static_cast<std::size_t>(index))));
    if (state.open.size() > kOpenShards) state.open.pop_back();
  }
  return state.open.front().second;
}

ClipRecord CorpusIndex::record(std::int64_t clip) const {
  const CorpusClip& where = state_->clips.at(static_cast<std::size_t>(clip));
  return shard(where.shard)->records().at(static_cast<std::size_t>(where.clip));
}

std::size_t CorpusIndex::clip_bytes(std::int64_t clip) const {
  const CorpusClip& size = state_->clips.at(static_cast<std::size_t>(clip));
  return std::size_t(size.frames) * std::size_t(size.height) * std::size_t(size.width) *
         std::size_t(size.channels) * size_of(state_->dtype);
}

void CorpusIndex::read(std::int64_t clip, std::span<std::byte> out) const {
  const CorpusClip& where = state_->clips.at(static_cast<std::size_t>(clip));
  shard(where.shard)->read(where.clip, out);
}

std::string CorpusIndex::name_of_clip(std::int64_t clip) const {
  const CorpusClip& where = state_->clips.at(static_cast<std::size_t>(clip));
  return fmt::format("{} clip {}", state_->shards[static_cast<std::size_t>(where.shard)].file,
                     where.clip);
}

void CorpusIndex::verify() const {
  for (const CorpusShard& shard : state_->shards) {
    state_->open_checked(shard);
    const std::filesystem::path path = state_->folder / shard.file;
    if (hash_file(path) == shard.hash) continue;
    ShardReader(path).verify();  // names the clip if one is damaged
    fail(ExitCode::kCorrupt,
         "{}: it does not match its hash in {}; restore it, or delete it and "
         "prepare again",
         path.string(), kFile);
  }
}

}  // namespace muybridge
