#include "config/tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr std::size_t kMostReported = 20;
constexpr std::size_t kLongestQuote = 60;

}  // namespace

std::string ConfigPlace::text() const {
  const std::string& name = source ? *source : "configuration";
  return line > 0 ? fmt::format("{}:{}:{}", name, line, column) : name;
}

const ConfigEntry* ConfigNode::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const ConfigEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

ConfigEntry* ConfigNode::find(std::string_view key) {
  return const_cast<ConfigEntry*>(static_cast<const ConfigNode*>(this)->find(key));
}

std::string ConfigNode::description() const {
  switch (kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kScalar:
      if (scalar.size() > kLongestQuote) return fmt::format("a text of {} bytes", scalar.size());
      return fmt::format("{}'{}'", quoted ? "the quoted text " : "", scalar);
    case Kind::kList:
      return fmt::format("a list of {}", items.size());
    case Kind::kSection:
      return "a section";
  }
  return "?";
}

void ConfigMistakes::add(const ConfigPlace& place, const std::string& key,
                         const std::string& reason) {
  std::string line = key.empty() ? fmt::format("{}: {}", place.text(), reason)
                                 : fmt::format("{}: {}: {}", place.text(), key, reason);
  for (char& c : line)  // nothing that a file holds may steer the terminal or feign a line
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  lines_.push_back(std::move(line));
}

void ConfigMistakes::throw_if_any() const {
  if (lines_.empty()) return;
  std::string message;
  for (std::size_t i = 0; i < std::min(lines_.size(), kMostReported); ++i)
    message += (i ? "\n" : "") + lines_[i];
  if (lines_.size() > kMostReported)
    message += fmt::format("\n... and {} more mistakes", lines_.size() - kMostReported);
  throw Error(ExitCode::kUsage, message);
}

void merge_config(ConfigNode& base, ConfigNode over) {
  if (over.kind == ConfigNode::Kind::kNothing && base.kind == ConfigNode::Kind::kSection) return;
  if (base.kind != ConfigNode::Kind::kSection || over.kind != ConfigNode::Kind::kSection) {
    base = std::move(over);
    return;
  }
  for (ConfigEntry& entry : over.entries) {
    if (ConfigEntry* known = base.find(entry.key)) {
      known->place = entry.place;
      merge_config(known->value, std::move(entry.value));
    } else {
      base.entries.push_back(std::move(entry));
    }
  }
}

}  // namespace muybridge
