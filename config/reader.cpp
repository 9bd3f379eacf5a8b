#include "config/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/source.h"
#include "config/text.h"
#include "core/text/spelling.h"

namespace muybridge {
namespace {

using Kind = ConfigNode::Kind;

std::vector<std::string> names_in(const ConfigSection& section) {
  std::vector<std::string> names;
  for (const ConfigField& field : section.fields) names.push_back(field.name);
  for (const ConfigSection& inner : section.sections) names.push_back(inner.name);
  return names;
}

// Full names of the sections and fields in a tree of sections whose own name is `key`.
void collect_full_names(const ConfigSection& section, const std::string& prefix,
                        const std::string& key, std::vector<std::string>& full_names) {
  for (const std::string& name : names_in(section))
    if (nearest(key, {name}) == name) full_names.push_back(prefix + name);
  for (const ConfigSection& inner : section.sections)
    collect_full_names(inner, prefix + inner.name + ".", key, full_names);
}

std::string suggestion(const ConfigSection& root, const ConfigSection& section,
                       const std::string& key, const std::string& prefix) {
  if (const std::string near = nearest(key, names_in(section)); !near.empty())
    return "did you mean " + prefix + near + "?";
  std::vector<std::string> elsewhere;
  collect_full_names(root, "", key, elsewhere);
  if (!elsewhere.empty()) {
    const auto best = std::min_element(
        elsewhere.begin(), elsewhere.end(), [&](const std::string& a, const std::string& b) {
          const auto distance = [&](const std::string& name) {
            return edit_distance(key, name.substr(name.rfind('.') + 1));
          };
          return distance(a) < distance(b);
        });
    return "did you mean " + *best + "?";
  }
  return fmt::format("known here: {}", fmt::join(names_in(section), ", "));
}

// Whether the tree has a field or section of that full name, "train.seed".
bool has(const ConfigSection& root, const std::string& full_name) {
  const std::size_t dot = full_name.find('.');
  if (dot == std::string::npos) return std::ranges::count(names_in(root), full_name) > 0;
  const auto inner =
      std::ranges::find(root.sections, full_name.substr(0, dot), &ConfigSection::name);
  return inner != root.sections.end() && has(*inner, full_name.substr(dot + 1));
}

}  // namespace

ConfigReader::ConfigReader(const std::filesystem::path& file,
                           const std::vector<std::string>& overrides)
    : tree_(read_config_file(file, mistakes_)) {
  if (tree_.kind == Kind::kScalar || tree_.kind == Kind::kList) {
    mistakes_.add(tree_.place, "",
                  "expected sections such as 'model:', got " + tree_.description());
    finish();
  }
  for (const std::string& text : overrides) apply_override(text, tree_, mistakes_);
}

ConfigReader ConfigReader::of_text(const std::string& text, const std::string& source,
                                   const std::vector<std::string>& overrides) {
  ConfigReader reader;
  reader.tree_ =
      parse_config_text(text, std::make_shared<const std::string>(source), reader.mistakes_);
  for (const std::string& each : overrides) apply_override(each, reader.tree_, reader.mistakes_);
  return reader;
}

void ConfigReader::fill(const ConfigSection& fields) {
  root_ = &fields;
  fill_section(fields, tree_, tree_.place, "");
  root_ = nullptr;
  finish();
}

void ConfigReader::fill_section(const ConfigSection& section, const ConfigNode& node,
                                const ConfigPlace& place, const std::string& prefix) {
  if (node.kind == Kind::kScalar || node.kind == Kind::kList) {
    mistakes_.add(node.place, prefix.substr(0, prefix.size() - 1),
                  fmt::format("expected a section (with {}), got {}",
                              fmt::join(names_in(section), ", "), node.description()));
    return;
  }
  for (const ConfigEntry& entry : node.entries) {
    const auto has_name = [&](const auto& each) { return each.name == entry.key; };
    const auto field = std::find_if(section.fields.begin(), section.fields.end(), has_name);
    const auto inner = std::find_if(section.sections.begin(), section.sections.end(), has_name);
    if (field != section.fields.end()) {
      if (const auto reason = field->assign(entry.value))
        mistakes_.add(entry.value.place, prefix + entry.key, *reason);
    } else if (inner != section.sections.end()) {
      fill_section(*inner, entry.value, entry.place, prefix + entry.key + ".");
    } else {
      refuse_unknown(section, entry, prefix);
    }
  }
  for (const ConfigField& field : section.fields)
    if (field.required && node.find(field.name) == nullptr)
      mistakes_.add(place, prefix + field.name, "missing; it is the " + field.help);
  static const ConfigNode kEmpty;
  for (const ConfigSection& inner : section.sections)
    if (node.find(inner.name) == nullptr)
      fill_section(inner, kEmpty, place, prefix + inner.name + ".");
}

void ConfigReader::refuse_unknown(const ConfigSection& section, const ConfigEntry& entry,
                                  const std::string& prefix) {
  const std::string full_name = prefix + entry.key;
  const std::size_t dot = entry.key.rfind('.');
  // As overrides are written, but in a file.
  const std::string advice =
      dot != std::string::npos && has(*root_, full_name)
          ? fmt::format("only overrides join names by dots; write '{}:' below '{}:'",
                        entry.key.substr(dot + 1), prefix + entry.key.substr(0, dot))
          : suggestion(*root_, section, entry.key, prefix);
  mistakes_.add(entry.place, full_name, "unknown key; " + advice);
}

void ConfigReader::refuse(const std::string& key, const std::string& reason) {
  ConfigPlace place = tree_.place;
  const ConfigNode* node = &tree_;
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t dot = std::min(key.find('.', start), key.size());
    const ConfigEntry* entry = node->find(std::string_view(key).substr(start, dot - start));
    if (entry == nullptr) break;
    node = &entry->value;
    place = node->kind == Kind::kSection ? entry->place : node->place;
    start = dot + 1;
  }
  mistakes_.add(place, key, reason);
}

}  // namespace muybridge
