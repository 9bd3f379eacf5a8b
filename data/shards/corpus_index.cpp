#include "data/shards/corpus_index.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

constexpr const char* kFile = "index.json";
constexpr std::size_t kOpenShards = 400;  // a process may usually have 1024 files open

// What the present index says, if there is one that can be trusted.
IndexFile known_index(const std::filesystem::path& folder) {
  if (std::filesystem::exists(index_path(folder))) try {
      return read_index(folder);
    } catch (const Error& error) {
      log_warning("{}; listing all shards anew", error.what());
    }
  return {};
}

}  // namespace

struct CorpusIndex::State {
  std::filesystem::path folder;
  IndexFile index;
  Choice choice;

  // Open shards, the last used first.
  std::mutex mutex;
  std::list<std::pair<int, std::shared_ptr<const ShardReader>>> open;

  std::shared_ptr<const ShardReader> open_checked(const CorpusShard& shard) const;
};

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
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->index = read_index(folder);
  if (state->index.clips.empty())
    fail(ExitCode::kUsage, "{}: the corpus has no clips; see its report.json for the reasons",
         folder.string());
  return CorpusIndex(std::move(state));
}

ChoiceRules CorpusIndex::rules_of(const std::filesystem::path& folder) {
  return known_index(folder).rules;
}

CorpusIndex CorpusIndex::build(const std::filesystem::path& folder, const ChoiceRules& rules) {
  const std::vector<CorpusShard> known = known_index(folder).shards;
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
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->choice = choose_clips(shards, rules);
  state->index = write_index(folder, shards, state->choice, rules);
  return CorpusIndex(std::move(state));
}

CorpusIndex CorpusIndex::open_held_out(const std::filesystem::path& folder) {
  CorpusIndex corpus = open(folder);
  for (CorpusClip& clip : corpus.state_->index.clips) clip.validation = true;
  return corpus;
}

const std::filesystem::path& CorpusIndex::folder() const { return state_->folder; }
const std::string& CorpusIndex::settings() const { return state_->index.settings; }
const std::string& CorpusIndex::identity() const { return state_->index.identity; }
const Choice& CorpusIndex::choice() const { return state_->choice; }
DType CorpusIndex::dtype() const { return state_->index.dtype; }
const std::vector<CorpusShard>& CorpusIndex::shards() const { return state_->index.shards; }
const std::vector<CorpusClip>& CorpusIndex::clips() const { return state_->index.clips; }

std::vector<std::int64_t> CorpusIndex::clips_of(std::string_view split) const {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < state_->index.clips.size(); ++i)
    if (state_->index.clips[i].validation == (split == "validation"))
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
    state.open.emplace_front(
        index, state.open_checked(state.index.shards.at(static_cast<std::size_t>(index))));
    if (state.open.size() > kOpenShards) state.open.pop_back();
  }
  return state.open.front().second;
}

ClipRecord CorpusIndex::record(std::int64_t clip) const {
  const CorpusClip& where = state_->index.clips.at(static_cast<std::size_t>(clip));
  return shard(where.shard)->records().at(static_cast<std::size_t>(where.clip));
}

std::size_t CorpusIndex::clip_bytes(std::int64_t clip) const {
  const CorpusClip& size = state_->index.clips.at(static_cast<std::size_t>(clip));
  return std::size_t(size.frames) * std::size_t(size.height) * std::size_t(size.width) *
         std::size_t(size.channels) * size_of(state_->index.dtype);
}

void CorpusIndex::read(std::int64_t clip, std::span<std::byte> out) const {
  const CorpusClip& where = state_->index.clips.at(static_cast<std::size_t>(clip));
  shard(where.shard)->read(where.clip, out);
}

std::string CorpusIndex::name_of_clip(std::int64_t clip) const {
  const CorpusClip& where = state_->index.clips.at(static_cast<std::size_t>(clip));
  return fmt::format("{} clip {}", state_->index.shards[static_cast<std::size_t>(where.shard)].file,
                     where.clip);
}

void CorpusIndex::verify() const {
  for (const CorpusShard& shard : state_->index.shards) {
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
