#include "model/umt5/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "core/error.h"
#include "model/umt5/public_names.h"

namespace muybridge {
namespace {

Umt5Names names_of(const SafetensorsShards& files) {
  return files.find("token_embedding.weight") ? Umt5Names::kWan : Umt5Names::kTransformers;
}

std::vector<std::int64_t> shape_of(const Umt5Part& part, const Shape& whole) {
  std::vector<std::int64_t> extents(whole.extents().begin(), whole.extents().end());
  extents[0] = part.rows;
  return extents;
}

[[noreturn]] void fail_with(const std::vector<std::string>& complaints,
                            const std::filesystem::path& path) {
  constexpr std::size_t kMost = 20;
  const std::size_t count = std::min(kMost, complaints.size());
  std::string list;
  for (std::size_t i = 0; i < count; ++i) list += "\n  " + complaints[i];
  if (complaints.size() > count) list += fmt::format("\n  and {} more", complaints.size() - count);
  fail(ExitCode::kUsage, "{}: not the weights of this UMT5 encoder, {} tensors do not fit:{}",
       path.string(), complaints.size(), list);
}

}  // namespace

Umt5Weights::Umt5Weights(const SafetensorsShards& files, const Parameters& parameters,
                         const std::string& name)
    : files_(files) {
  const Umt5Names names = names_of(files);
  const std::size_t prefix = name.empty() ? 0 : name.size() + 1;
  std::vector<std::string> complaints;
  std::set<std::string> known;
  for (const Parameter& parameter : parameters.list()) {
    const std::string_view ours = parameter.spec.name;
    for (const Umt5Part& part :
         umt5_parts(ours.substr(std::min(prefix, ours.size())), parameter.spec.shape, names)) {
      const std::string other = other_umt5_name(part.name);
      known.insert({part.name, other});
      const std::string& there = files.find(part.name) || other.empty() ? part.name : other;
      const SafetensorsEntry* const entry = files.find(there);
      const std::vector<std::int64_t> expected = shape_of(part, parameter.spec.shape);
      if (!entry)
        complaints.push_back("missing: " + part.name);
      else if (entry->shape != expected)
        complaints.push_back(fmt::format("{} is [{}], [{}] expected", there,
                                         fmt::join(entry->shape, ","), fmt::join(expected, ",")));
      places_.push_back({there, &parameter, part.row, part.rows});
    }
  }
  for (const std::string& there : files.names())
    if (!known.contains(there)) complaints.push_back("unexpected: " + there);
  if (!complaints.empty()) fail_with(complaints, files.path());
}

void Umt5Weights::read() const {
  for (const Place& place : places_)
    files_.read_into(place.name, place.parameter->var.value().rows(place.row, place.rows));
}

}  // namespace muybridge
