#include "train/checks/alike.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/together.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;

// "train.seed is 2, on rank 0 it is 1; ..."; empty where all are alike.
std::string differences(const std::vector<Fact>& mine, const Json& wanted) {
  std::string words;
  const auto add = [&](const std::string& name, const std::string& here, const std::string& there) {
    words +=
        fmt::format("{}{} is {}, on rank 0 it is {}", words.empty() ? "" : "; ", name, here, there);
  };
  for (const Fact& fact : mine) {
    const std::string there = wanted.value(fact.name, std::string("not there"));
    if (there != fact.value) add(fact.name, fact.value, there);
  }
  for (const auto& [name, value] : wanted.items())
    if (std::ranges::find(mine, name, &Fact::name) == mine.end())
      add(name, "not there", value.get<std::string>());
  return words;
}

}  // namespace

Fact hash_of(const std::string& what, const std::vector<std::string>& texts) {
  const std::string all = Json(texts).dump();
  return {"the hash of " + what, hash_bytes(all.data(), all.size())};
}

void require_alike(Group& group, const std::vector<Fact>& facts) {
  Json json = Json::object();
  for (const Fact& fact : facts) json[fact.name] = fact.value;
  const Json wanted = Json::parse(broadcast_text(group, json.dump(), 0));
  together(group, [&] {
    const std::string words = differences(facts, wanted);
    if (!words.empty())
      fail(ExitCode::kUsage,
           "{}. All ranks of a run need the same program, configuration and clips", words);
    return std::string();
  });
}

std::vector<Fact> facts_of(const TrainConfig& config) {
  std::vector<Fact> facts = {{"the version of muybridge", MUYBRIDGE_VERSION}};
  for (const ConfigValue& each : values_of(config))
    if (each.key != "threads") facts.push_back({each.key, each.value});
  return facts;
}

}  // namespace muybridge
