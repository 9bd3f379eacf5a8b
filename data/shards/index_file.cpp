#include "data/shards/index_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "muybridge-corpus-2";
constexpr const char* kAdvice = "run `muybridge prepare` again, which lists the shards anew";

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

IndexFile index_from(const Json& corpus) {
  IndexFile index;
  index.settings = corpus.at("settings").dump();
  index.identity = corpus.at("identity").get<std::string>();
  for (const Json& json : corpus.at("shards")) {
    index.shards.push_back({.file = json.at("file").get<std::string>(),
                            .bytes = json.at("bytes").get<std::uint64_t>(),
                            .hash = json.at("hash").get<std::string>(),
                            .records_hash = json.at("records_hash").get<std::string>(),
                            .clips = static_cast<int>(json.at("grids").size())});
    index.dtype = dtype_from_name(json.at("dtype").get<std::string>());
  }
  for (const Json& place : corpus.at("clips").at("places")) {
    const int shard = place.at(0).get<int>();
    const int clip = place.at(1).get<int>();
    const Json& json = corpus.at("shards").at(static_cast<std::size_t>(shard));
    const Json& grid = json.at("grids").at(static_cast<std::size_t>(clip));
    index.clips.push_back({.shard = shard,
                           .clip = clip,
                           .frames = grid.at(0).get<int>(),
                           .height = grid.at(1).get<int>(),
                           .width = grid.at(2).get<int>(),
                           .channels = grid.at(3).get<int>(),
                           .fps = json.at("fps").at(static_cast<std::size_t>(clip)).get<double>()});
  }
  for (const Json& clip : corpus.at("clips").at("validation"))
    index.clips.at(clip.get<std::size_t>()).validation = true;
  index.rules = rules_from(corpus.at("rules"));
  return index;
}

}  // namespace

std::filesystem::path index_path(const std::filesystem::path& folder) {
  return folder / "index.json";
}

IndexFile read_index(const std::filesystem::path& folder) {
  const std::filesystem::path path = index_path(folder);
  if (!std::filesystem::exists(path))
    fail(ExitCode::kIo, "{}: not found; make the corpus with `muybridge prepare`", path.string());
  const std::string text = read_file(path);
  try {
    const Json json = Json::parse(text);
    if (const std::string format = json.at("format").get<std::string>(); format != kFormat)
      fail(ExitCode::kCorrupt,
           "{}: its format is '{}', this program reads '{}'; prepare the corpus again, into "
           "another folder",
           path.string(), format, kFormat);
    if (hash_text(json.at("corpus").dump()) != json.at("hash").get<std::string>())
      fail(ExitCode::kCorrupt, "{}: it does not match its own hash; {}", path.string(), kAdvice);
    return index_from(json.at("corpus"));
  } catch (const Json::exception& error) {
    fail(ExitCode::kCorrupt, "{}: {}; {}", path.string(), error.what(), kAdvice);
  } catch (const std::logic_error& error) {
    fail(ExitCode::kCorrupt, "{}: {}; {}", path.string(), error.what(), kAdvice);
  }
}

IndexFile write_index(const std::filesystem::path& folder, const std::vector<ShardSummary>& shards,
                      const Choice& choice, const ChoiceRules& rules) {
  const std::string settings = shards.empty() ? "{}" : shards.front().settings;
  ChoiceRules kept = rules;
  kept.by = choice.by;
  Json corpus = {{"settings", Json::parse(settings)},
                 {"identity", identity_of(shards, choice, settings)},
                 {"shards", Json::array()},
                 {"clips", to_json(choice)},
                 {"rules", to_json(kept)}};
  for (const ShardSummary& shard : shards) corpus["shards"].push_back(to_json(shard));
  IndexFile index = index_from(corpus);
  const std::string hash = hash_text(corpus.dump());
  const Json json = {{"format", kFormat}, {"hash", hash}, {"corpus", std::move(corpus)}};
  write_file_durably(index_path(folder), json.dump() + '\n');
  return index;
}

}  // namespace muybridge
