#include "train/checkpoint/replicas.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/ops/checksum.h"
#include "core/parallel_for.h"
#include "core/system/file.h"
#include "parallel/together.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

using nlohmann::json;

std::string hash_text(const std::string& text) { return hash_bytes(text.data(), text.size()); }

std::string hash_of_all(const HeldWeights& held) {
  std::string all;
  for (const auto& [name, hash] : held.hashes) all += hash;
  return hash_text(all);
}

// Where the tensors are: those of a device are not brought to the host.
std::vector<std::string> hashes_of(const std::vector<Tensor>& tensors) {
  std::vector<std::string> hashes(tensors.size());
  if (tensors.front().device() != Device::kCpu) {
    const std::vector<std::uint64_t> numbers = checksums(tensors);
    std::ranges::transform(numbers, hashes.begin(),
                           [](std::uint64_t number) { return fmt::format("{:016x}", number); });
    return hashes;
  }
  parallel_for_each(std::ssize(tensors), [&](std::int64_t i, std::int64_t) {
    const auto index = static_cast<std::size_t>(i);
    hashes[index] = hash_bytes(tensors[index].raw(), tensors[index].bytes());
  });
  return hashes;
}

// What all ranks say of what they hold: value by rank, by `what`.
using Said = std::map<std::string, std::map<std::size_t, json>>;

template <class Say>
Said gather(const std::vector<HeldWeights>& mine, Group& group, const Say& say) {
  Said said;
  hand_in_hand(group, [&] {
    json own = json::object();
    for (const HeldWeights& held : mine)
      if (json words = say(held); !words.is_null()) own[held.what] = std::move(words);
    const std::vector<std::string> texts = all_gather_text(group, own.dump());
    for (std::size_t rank = 0; rank < texts.size(); ++rank) {
      const json of_rank = json::parse(texts[rank]);
      for (const auto& [what, words] : of_rank.items()) said[what][rank] = words;
    }
  });
  return said;
}

bool differ(const std::map<std::size_t, json>& by_rank) {
  return std::ranges::any_of(
      by_rank, [&](const auto& each) { return each.second != by_rank.begin()->second; });
}

std::string list(const std::vector<std::size_t>& ranks) {
  constexpr std::size_t kMostListed = 8;
  const auto shown = std::span(ranks).first(std::min(ranks.size(), kMostListed));
  return fmt::format("{} {}{}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(shown, ", "),
                     shown.size() < ranks.size() ? ", .." : "");
}

// `by_rank`: the hashes of each parameter; the ranks differ in one of them.
[[noreturn]] void fail_drifted(const std::map<std::size_t, json>& by_rank) {
  constexpr const char* kAdvice =
      "nothing was committed; memory, a network card or a library of that machine may be at fault: "
      "leave it out, and go on from the last commit";
  for (std::size_t i = 0; i < by_rank.begin()->second.size(); ++i) {
    std::map<std::string, std::vector<std::size_t>> ranks;  // by hash
    for (const auto& [rank, hashes] : by_rank)
      ranks[hashes.at(i).at(1).get<std::string>()].push_back(rank);
    if (ranks.size() == 1) continue;
    const std::string name = by_rank.begin()->second.at(i).at(0);
    const auto fewer = [](const auto& a, const auto& b) {
      return a.second.size() < b.second.size();
    };
    const auto most = std::ranges::max_element(ranks, fewer);
    const auto equal = std::ranges::count_if(
        ranks, [&](const auto& each) { return each.second.size() == most->second.size(); });
    std::vector<std::size_t> others, all;
    for (const auto& [hash, of_hash] : ranks) {
      all.insert(all.end(), of_hash.begin(), of_hash.end());
      if (hash != most->first) others.insert(others.end(), of_hash.begin(), of_hash.end());
    }
    std::ranges::sort(all);
    std::ranges::sort(others);
    if (equal > 1)
      fail(ExitCode::kInternal, "{} should hold the same values of {} and do not; {}", list(all),
           name, kAdvice);
    fail(ExitCode::kInternal, "{} should hold the values of {} that {} hold{}, and {} not; {}",
         list(others), name, list(most->second), most->second.size() == 1 ? "s" : "",
         others.size() == 1 ? "does" : "do", kAdvice);
  }
  fail(ExitCode::kInternal, "ranks that hold the same weights differ, and then do not; {}",
       kAdvice);
}

}  // namespace

std::vector<HeldWeights> hash_weights(const Parameters& parameters, const Mesh& mesh) {
  const auto held_of = [&](const Parameter& parameter) {
    if (parameter.frozen) return parameter.var.value();
    return parameters.sharing() == Sharing::kNothing
               ? parameters.slice(parameters.master(), parameter)
           : parameters.range_of(parameter).values.defined() ? parameter.var.value()
                                                             : Tensor();
  };
  std::map<int, std::vector<const Parameter*>> by_copies;
  for (const Parameter& parameter : parameters.list()) {
    const bool has_copies =
        mesh.copies().at(static_cast<std::size_t>(parameter.copies))->size() > 1;
    if (has_copies && held_of(parameter).defined())
      by_copies[parameter.copies].push_back(&parameter);
  }
  std::vector<HeldWeights> all;
  for (const auto& [copies, parameters_of] : by_copies) {
    const std::vector<const Parameter*>& list = parameters_of;
    std::string what;
    for (const Parameter* parameter : list) {
      const Slice slice = parameter->slice();
      what += fmt::format("{} {} {} {} {} {}\n", parameter->spec.name, parameter->spec.shape,
                          slice.begin, slice.length, slice.stride, slice.count);
    }
    HeldWeights held{.what = hash_text(what)};
    std::vector<Tensor> values;
    for (const Parameter* parameter : list) {
      held.hashes.emplace_back(parameter->spec.name, "");
      values.push_back(held_of(*parameter));
    }
    const std::vector<std::string> hashes = hashes_of(values);
    for (std::size_t i = 0; i < hashes.size(); ++i) held.hashes[i].second = hashes[i];
    all.push_back(std::move(held));
  }
  return all;
}

void require_same_weights(const std::vector<HeldWeights>& mine, Group& group) {
  if (group.size() == 1) return;
  const Said whole =
      gather(mine, group, [](const HeldWeights& held) { return json(hash_of_all(held)); });
  std::set<std::string> drifted;
  for (const auto& [what, by_rank] : whole)
    if (differ(by_rank)) drifted.insert(what);
  if (drifted.empty()) return;
  const Said each = gather(mine, group, [&](const HeldWeights& held) {
    return drifted.contains(held.what) ? json(held.hashes) : json();
  });
  fail_drifted(each.begin()->second);
}

}  // namespace muybridge
