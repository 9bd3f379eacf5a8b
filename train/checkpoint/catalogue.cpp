#include "train/checkpoint/catalogue.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/system/file.h"
#include "core/text/spelling.h"
#include "parallel/together.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

using nlohmann::json;

std::string to_text(const Catalogue& catalogue) {
  json list = json::array();
  for (const ManifestParameter& parameter : catalogue) {
    const auto extents = parameter.shape.extents();
    list.push_back({parameter.name, std::vector<std::int64_t>(extents.begin(), extents.end())});
  }
  return list.dump();
}

Catalogue from_text(const std::string& text) {
  Catalogue catalogue;
  for (const json& item : json::parse(text)) {
    const auto extents = item.at(1).get<std::vector<std::int64_t>>();
    catalogue.push_back({item.at(0), Shape(std::span<const std::int64_t>(extents))});
  }
  return catalogue;
}

// What a rank knows; of those that know the same the first says it.
struct Said {
  std::size_t rank;
  Catalogue catalogue;
};

std::vector<Said> said_by_all(const Catalogue& mine, Group& group) {
  const std::string text = to_text(mine);
  const std::vector<std::string> hashes =
      all_gather_text(group, hash_bytes(text.data(), text.size()));
  std::vector<Said> all;
  for (std::size_t rank = 0; rank < hashes.size(); ++rank) {
    const auto own = hashes.begin() + static_cast<std::ptrdiff_t>(rank);
    if (std::find(hashes.begin(), own, *own) == own)
      all.push_back({rank, from_text(broadcast_text(group, text, static_cast<int>(rank)))});
  }
  return all;
}

}  // namespace

Catalogue catalogue_of(const Parameters& parameters) {
  Catalogue catalogue;
  for (const Parameter& parameter : parameters.list())
    if (!parameter.frozen) catalogue.push_back({parameter.spec.name, parameter.spec.shape});
  return catalogue;
}

Catalogue merged(const Catalogue& mine, Group& group) {
  if (group.size() == 1) return mine;
  std::vector<Said> said;
  hand_in_hand(group, [&] { said = said_by_all(mine, group); });
  Catalogue all;
  struct Known {
    std::size_t index;
    std::size_t rank;
  };
  std::map<std::string, Known> known;
  for (auto& [rank, catalogue] : said)
    for (ManifestParameter& parameter : catalogue) {
      const auto [found, is_new] = known.emplace(parameter.name, Known{all.size(), rank});
      if (is_new) {
        all.push_back(std::move(parameter));
      } else if (const Shape& shape = all[found->second.index].shape; shape != parameter.shape) {
        fail(ExitCode::kInternal,
             "the ranks have different models: {} is {} on rank {}, {} on rank {}; start all with "
             "the same program and configuration",
             parameter.name, shape, found->second.rank, parameter.shape, rank);
      }
    }
  return all;
}

void require_fit(const Catalogue& catalogue, const Catalogue& model, const std::string& where) {
  std::map<std::string, const Shape*> stored, wanted;
  std::vector<std::string> stored_names, wanted_names;
  for (const ManifestParameter& parameter : catalogue) {
    stored[parameter.name] = &parameter.shape;
    stored_names.push_back(parameter.name);
  }
  for (const ManifestParameter& parameter : model) {
    wanted[parameter.name] = &parameter.shape;
    wanted_names.push_back(parameter.name);
  }
  std::vector<std::string> mistakes;
  const auto hint = [](const std::string& name, const std::vector<std::string>& candidates) {
    const std::string near = nearest(name, candidates);
    return near.empty() ? "" : fmt::format(" (nearest: {})", near);
  };
  for (const auto& [name, shape] : wanted) {
    const auto found = stored.find(name);
    if (found == stored.end())
      mistakes.push_back(
          fmt::format("{} {} is not in the checkpoint{}", name, *shape, hint(name, stored_names)));
    else if (*found->second != *shape)
      mistakes.push_back(
          fmt::format("{} is {} in the checkpoint, {} in the model", name, *found->second, *shape));
  }
  for (const auto& [name, shape] : stored)
    if (!wanted.contains(name))
      mistakes.push_back(
          fmt::format("{} {} is not in the model{}", name, *shape, hint(name, wanted_names)));
  if (mistakes.empty()) return;
  constexpr std::size_t kMostListed = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(mistakes.size(), kMostListed); ++i)
    list += "\n  " + mistakes[i];
  if (mistakes.size() > kMostListed)
    list += fmt::format("\n  and {} more", mistakes.size() - kMostListed);
  fail(ExitCode::kUsage,
       "{} does not fit the model of the configuration:{}\nuse the model section of the "
       "checkpoint's own config (in its manifest.json), or another checkpoint",
       where, list);
}

}  // namespace muybridge
