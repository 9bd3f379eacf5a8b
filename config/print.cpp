#include <fmt/format.h>

#include <algorithm>

#include "config/reader.h"

namespace muybridge {
namespace {

constexpr std::size_t kCommentColumn = 32;

std::string escape_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

void write_yaml(const ConfigSection& section, std::size_t indent, std::string& out) {
  const std::string spaces(indent, ' ');
  for (const ConfigField& field : section.fields) {
    const std::string setting = fmt::format("{}{}: {}", spaces, field.name, field.value_text());
    const std::size_t column = std::max(kCommentColumn, setting.size() + 2);
    out += fmt::format("{:<{}}# {}\n", setting, column, field.help);
  }
  for (const ConfigSection& inner : section.sections) {
    out += fmt::format("{}{}# {}\n{}{}:\n", out.empty() ? "" : "\n", spaces, inner.help, spaces,
                       inner.name);
    write_yaml(inner, indent + 2, out);
  }
}

void collect_values(const ConfigSection& section, const std::string& prefix,
                    std::vector<ConfigValue>& values) {
  for (const ConfigField& field : section.fields)
    values.push_back({prefix + field.name, field.value_text()});
  for (const ConfigSection& inner : section.sections)
    collect_values(inner, fmt::format("{}{}.", prefix, inner.name), values);
}

void write_markdown(const ConfigSection& section, const std::string& prefix, std::string& out) {
  if (!section.name.empty()) out += fmt::format("\n## {}\n\n{}.\n", prefix, section.help);
  if (!section.fields.empty())
    out += "\n| key | value | default | what it is |\n|---|---|---|---|\n";
  for (const ConfigField& field : section.fields)
    out += fmt::format(
        "| `{}{}{}` | {} | {} | {} |\n", prefix, prefix.empty() ? "" : ".", field.name,
        escape_cell(field.type_text()),
        field.required ? "must be given" : fmt::format("`{}`", escape_cell(field.value_text())),
        escape_cell(field.help));
  for (const ConfigSection& inner : section.sections)
    write_markdown(inner, prefix.empty() ? inner.name : fmt::format("{}.{}", prefix, inner.name),
                   out);
}

}  // namespace

std::string config_to_yaml(const ConfigSection& fields) {
  std::string out;
  write_yaml(fields, 0, out);
  return out;
}

std::vector<ConfigValue> config_values(const ConfigSection& fields) {
  std::vector<ConfigValue> values;
  collect_values(fields, "", values);
  return values;
}

std::string config_to_markdown(const ConfigSection& fields) {
  std::string out;
  write_markdown(fields, "", out);
  return out;
}

}  // namespace muybridge
