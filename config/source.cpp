#include "config/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "config/text.h"
#include "core/error.h"
#include "core/system/file.h"
#include "core/text/nearest_path.h"
#include "core/text/utf8.h"

namespace muybridge {
namespace {

constexpr std::size_t kMostBases = 8;
constexpr std::size_t kMostLevels = 16;

using Kind = ConfigNode::Kind;

std::string nearest_configuration(const std::filesystem::path& file) {
  return did_you_mean(file,
                      [](const std::filesystem::path& each) { return each.extension() == ".yaml"; },
                      {"configs"});
}

std::string read_small_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status))
    fail(ExitCode::kUsage, "{}: no such file; name a YAML configuration{}", file.string(),
         nearest_configuration(file));
  if (!std::filesystem::is_regular_file(status))
    fail(ExitCode::kUsage, "{}: not a file; name a YAML configuration", file.string());
  if (const auto bytes = std::filesystem::file_size(file, error);
      !error && bytes > kMostConfigBytes)
    fail(ExitCode::kUsage, "{}: {} bytes; a configuration holds at most 1 MB", file.string(),
         bytes);
  std::string text = read_file(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // the mark that some editors write
  return text;
}

// `chain` are the files that lead here by `base:`.
ConfigNode read_onto_base(const std::filesystem::path& file, ConfigMistakes& mistakes,
                          std::vector<std::filesystem::path> chain) {
  ConfigNode tree = parse_config_text(read_small_file(file),
                                      std::make_shared<const std::string>(file.string()), mistakes);
  if (tree.find("base") == nullptr) return tree;
  const ConfigNode base = tree.find("base")->value;
  std::erase_if(tree.entries, [](const ConfigEntry& entry) { return entry.key == "base"; });
  const auto refuse = [&](const std::string& reason) {
    mistakes.add(base.place, "base", reason);
    mistakes.throw_if_any();  // half a configuration would seem to lack much
  };

  if (base.kind != Kind::kScalar || base.scalar.empty())
    refuse("expected the path of another configuration, got " + base.description());
  const std::filesystem::path next = file.parent_path() / base.scalar;
  std::error_code error;
  if (!std::filesystem::is_regular_file(next, error))
    refuse(fmt::format("no such file: {} (a path relative to this file){}", next.string(),
                       nearest_configuration(next)));
  chain.push_back(std::filesystem::canonical(file, error));
  if (std::count(chain.begin(), chain.end(), std::filesystem::canonical(next, error)) > 0)
    refuse(fmt::format("'{}' builds on itself", base.scalar));
  if (chain.size() > kMostBases) refuse(fmt::format("more than {} files", kMostBases));
  ConfigNode whole = read_onto_base(next, mistakes, std::move(chain));
  merge_config(whole, std::move(tree));
  return whole;
}

void set_place(ConfigNode& node, const ConfigPlace& place) {
  node.place = place;
  for (ConfigNode& item : node.items) set_place(item, place);
  for (ConfigEntry& entry : node.entries) {
    entry.place = place;
    set_place(entry.value, place);
  }
}

ConfigNode section_of(const std::string& key, ConfigNode value, const ConfigPlace& place) {
  ConfigNode section;
  section.kind = Kind::kSection;
  section.place = place;
  section.entries.push_back({key, place, std::move(value)});
  return section;
}

}  // namespace

ConfigNode read_config_file(const std::filesystem::path& file, ConfigMistakes& mistakes) {
  return read_onto_base(file, mistakes, {});
}

void apply_override(const std::string& text, ConfigNode& tree, ConfigMistakes& mistakes) {
  const ConfigPlace place{std::make_shared<const std::string>(fmt::format("override '{}'", text)),
                          0, 0};
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return mistakes.add(place, "", "expected key=value, as in train.steps=500");
  if (find_invalid_utf8(text) != std::string::npos) return mistakes.add(place, "", "not UTF-8");
  const std::string key = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);

  ConfigNode node;
  if (!value.empty() && std::string_view("[{\"'").find(value[0]) != std::string_view::npos) {
    try {
      ConfigMistakes inner;
      node = parse_config_text(value, place.source, inner);
      inner.throw_if_any();
    } catch (const Error&) {
      return mistakes.add(place, key, "the value is neither a list nor a quoted text of YAML");
    }
  } else {
    node.kind = Kind::kScalar;
    node.scalar = value;
  }
  set_place(node, place);

  std::vector<std::string> parts{""};
  for (const char c : key) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (parts.size() > kMostLevels || std::count(parts.begin(), parts.end(), "") > 0)
    return mistakes.add(place, key, "not a key; names are joined by single dots: train.steps");
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    node = section_of(*part, std::move(node), place);
  merge_config(tree, std::move(node));
}

}  // namespace muybridge
