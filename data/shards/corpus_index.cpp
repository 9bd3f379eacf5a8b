#include "data/shards/corpus_index.h"

#include <algorithm>
#include <array>
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

constexpr const char* kFormat = "muybridge-corpus-2";
constexpr const char* kFile = "index.json";
constexpr std::size_t kOpenShards = 400;  // a process may usually have 1024 files open

std::string hash_text(const std::string& text) { return hash_bytes(text.data(), text.size()); }

Json to_json(const ShardSummary& shard) {
  Json grids = Json::array(), rates = Json::array();
  for (const ClipRecord& record : shard.records) {
    grids.push_back({record.frames, record.height, record.width, record.channels});
    rates.push_back(record.fps);
  }
  return {{"file", shard.file},
          {"bytes", shard.bytes},
          {"hash", shard.hash},
          {"records_hash", shard.records_hash},
          {"dtype", name_of(shard.records.at(0).dtype)},
          {"grids", std::move(grids)},
          {"fps", std::move(rates)}};
}

// Changes with the settings and with any clip or its split, and with nothing else.
std::string identity_of(const std::vector<ShardSummary>& shards, const Choice& choice,
                        const std::string& settings) {
  std::string text = settings;
  for (const ChosenClip& place : choice.clips) {
    const ClipRecord& record =
        shards[static_cast<std::size_t>(place.shard)].records[static_cast<std::size_t>(place.clip)];
    text += fmt::format("\n{} {} {:d} {}x{}x{}", record.content_hash, record.source,
                        place.validation, record.frames, record.height, record.width);
  }
  return hash_text(text);
}

Json to_json(const Choice& choice) {
  Json clips = Json::array(), validation = Json::array();
  for (std::size_t i = 0; i < choice.clips.size(); ++i) {
    clips.push_back({choice.clips[i].shard, choice.clips[i].clip});
    if (choice.clips[i].validation) validation.push_back(i);
  }
  return {{"places", std::move(clips)}, {"validation", std::move(validation)}};
}

constexpr std::array<const char*, 3> kHoldOutNames = {"undecided", "video", "part"};

Json to_json(const ChoiceRules& rules) {
  return {{"held_out", rules.held_out},
          {"by", kHoldOutNames[static_cast<std::size_t>(rules.by)]},
          {"retired", rules.retired}};
}

ChoiceRules rules_from(const Json& json) {
  ChoiceRules rules;
  rules.held_out = json.at("held_out").get<double>();
  const auto by = json.at("by").get<std::string>();
  rules.by = static_cast<ChoiceRules::HoldOut>(std::ranges::find(kHoldOutNames, by) -
                                               kHoldOutNames.begin());
  rules.retired = json.at("retired").get<std::set<std::string>>();
  return rules;
}

// The content of index.json, held against its own hash. Throws Error(kIo) if there is none,
// Error(kCorrupt) if it was changed.
Json read_index(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kFile;
  if (!std::filesystem::exists(path))
    fail(ExitCode::kIo, "{}: not found; make the corpus with `muybridge prepare`", path.string());
  try {
    Json json = Json::parse(read_file(path));
    if (const std::string format = json.at("format").get<std::string>(); format != kFormat)
      fail(
          ExitCode::kCorrupt,
          "{}: its format is '{}', this program reads '{}'; prepare the corpus again, into another "
          "folder",
          path.string(), format, kFormat);
    if (hash_text(json.at("corpus").dump()) != json.at("hash").get<std::string>())
      fail(ExitCode::kCorrupt,
           "{}: it does not match its own hash; run `muybridge prepare` again, which lists the "
           "shards anew",
           path.string());
    return std::move(json.at("corpus"));
  } catch (const Json::exception& error) {
    fail(ExitCode::kCorrupt, "{}: {}; run `muybridge prepare` again, which lists the shards anew",
         path.string(), error.what());
  }
}

}  // namespace

struct CorpusIndex::State {
  std::filesystem::path folder;
  std::string settings;
  std::string identity;
  DType dtype = DType::kU8;
  Choice choice;
  std::vector<CorpusShard> shards;
  std::vector<CorpusClip> clips;

  // Open shards, the last used first.
  std::mutex mutex;
  std::list<std::pair<int, std::shared_ptr<const ShardReader>>> open;

  explicit State(const std::filesystem::path& where, const Json& corpus);
  std::shared_ptr<const ShardReader> open_checked(const CorpusShard& shard) const;
};

CorpusIndex::State::State(const std::filesystem::path& where, const Json& corpus) : folder(where) {
  settings = corpus.at("settings").dump();
  identity = corpus.at("identity").get<std::string>();
  for (const Json& json : corpus.at("shards")) {
    shards.push_back({.file = json.at("file").get<std::string>(),
                      .bytes = json.at("bytes").get<std::uint64_t>(),
                      .hash = json.at("hash").get<std::string>(),
                      .records_hash = json.at("records_hash").get<std::string>(),
                      .clips = static_cast<int>(json.at("grids").size())});
    dtype = dtype_from_name(json.at("dtype").get<std::string>());
  }
  for (const Json& place : corpus.at("clips").at("places")) {
    const int shard = place.at(0).get<int>();
    const int clip = place.at(1).get<int>();
    const Json& json = corpus.at("shards").at(static_cast<std::size_t>(shard));
    const Json& grid = json.at("grids").at(static_cast<std::size_t>(clip));
    clips.push_back({.shard = shard,
                     .clip = clip,
                     .frames = grid.at(0).get<int>(),
                     .height = grid.at(1).get<int>(),
                     .width = grid.at(2).get<int>(),
                     .channels = grid.at(3).get<int>(),
                     .fps = json.at("fps").at(static_cast<std::size_t>(clip)).get<double>()});
  }
  for (const Json& clip : corpus.at("clips").at("validation"))
    clips.at(clip.get<std::size_t>()).validation = true;
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
  try {
    auto state = std::make_unique<State>(folder, read_index(folder));
    if (state->clips.empty())
      fail(ExitCode::kUsage, "{}: the corpus has no clips; see its report.json for the reasons",
           folder.string());
    return CorpusIndex(std::move(state));
  } catch (const Json::exception& error) {
    fail(ExitCode::kCorrupt, "{}: {}; run `muybridge prepare` again, which lists the shards anew",
         (folder / kFile).string(), error.what());
  } catch (const std::logic_error& error) {
    fail(ExitCode::kCorrupt, "{}: {}", (folder / kFile).string(), error.what());
  }
}

ChoiceRules CorpusIndex::rules_of(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kFile)) return {};
  try {
    return rules_from(read_index(folder).at("rules"));
  } catch (const std::exception& error) {
    log_warning("{}; listing all shards anew", error.what());
    return {};
  }
}

CorpusIndex CorpusIndex::build(const std::filesystem::path& folder, const ChoiceRules& rules) {
  // What the present index knows, if there is one that can be trusted.
  std::vector<CorpusShard> known;
  if (std::filesystem::exists(folder / kFile)) try {
      known = State(folder, read_index(folder)).shards;
    } catch (const std::exception& error) {
      log_warning("{}; listing all shards anew", error.what());
    }

  std::vector<ShardSummary> shards;
  for (const std::filesystem::path& path : list_shards(folder)) {
    const auto same = std::ranges::find(known, path.filename().string(), &CorpusShard::file);
    shards.push_back(summarise_shard(path, same == known.end() ? "" : same->records_hash));
    ShardSummary& shard = shards.back();
    if (shard.hash.empty()) shard.hash = same->hash;
    const auto dtype_of = [](const ShardSummary& one) { return name_of(one.records.at(0).dtype); };
    const ShardSummary& first = shards.front();
    if (shard.settings != first.settings || dtype_of(shard) != dtype_of(first))
      fail(ExitCode::kUsage,
           "{}: shards were made with different settings:\n  {}: {} {}\n  {}: {} {}\nprepare each "
           "into a folder of its own",
           folder.string(), first.file, dtype_of(first), first.settings, shard.file,
           dtype_of(shard), shard.settings);
  }
  Choice choice = choose_clips(shards, rules);
  const std::string settings = shards.empty() ? "{}" : shards.front().settings;
  ChoiceRules kept = rules;
  kept.by = choice.by;
  Json corpus = {{"settings", Json::parse(settings)},
                 {"identity", identity_of(shards, choice, settings)},
                 {"shards", Json::array()},
                 {"clips", to_json(choice)},
                 {"rules", to_json(kept)}};
  for (const ShardSummary& shard : shards) corpus["shards"].push_back(to_json(shard));
  auto state = std::make_unique<State>(folder, corpus);
  state->choice = std::move(choice);
  const std::string hash = hash_text(corpus.dump());
  const Json json = {{"format", kFormat}, {"hash", hash}, {"corpus", std::move(corpus)}};
  write_file_durably(folder / kFile, json.dump() + '\n');
  return CorpusIndex(std::move(state));
}

CorpusIndex CorpusIndex::open_held_out(const std::filesystem::path& folder) {
  CorpusIndex corpus = open(folder);
  for (CorpusClip& clip : corpus.state_->clips) clip.validation = true;
  return corpus;
}

const std::filesystem::path& CorpusIndex::folder() const { return state_->folder; }
const std::string& CorpusIndex::settings() const { return state_->settings; }
const std::string& CorpusIndex::identity() const { return state_->identity; }
const Choice& CorpusIndex::choice() const { return state_->choice; }
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
