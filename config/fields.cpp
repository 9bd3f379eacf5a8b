#include "config/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "core/text/spelling.h"

namespace muybridge {
namespace {

using Kind = ConfigNode::Kind;
using Reason = std::optional<std::string>;

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};
template <class... Each>
Overloaded(Each...) -> Overloaded<Each...>;

Reason outside(const ConfigLimits& limits, const std::string& value) {
  return fmt::format("must be {}, got {}", limits.text(), value);
}

// The text of a scalar that is to be a number or a flag.
Reason plain_text(const ConfigNode& node, const char* expected, std::string& text) {
  if (node.kind != Kind::kScalar)
    return fmt::format("expected {}, got {}", expected, node.description());
  if (node.quoted)
    return fmt::format("expected {}, got {}; leave the quotes away", expected, node.description());
  text = node.scalar;
  return {};
}

Reason read_whole(const ConfigNode& node, const ConfigLimits& limits, std::int64_t least,
                  std::int64_t most, std::int64_t& value) {
  std::string text, reason;
  if (Reason failed = plain_text(node, "a whole number", text)) return failed;
  const std::optional<std::int64_t> parsed = parse_whole(text, reason);
  if (!parsed) return reason;
  if (!limits.hold(static_cast<double>(*parsed))) return outside(limits, text);
  if (*parsed < least || *parsed > most)
    return fmt::format("must be between {} and {}, got {}", least, most, text);
  value = *parsed;
  return {};
}

Reason read_int(const ConfigNode& node, const ConfigLimits& limits, int& value) {
  std::int64_t wide = 0;
  if (Reason failed = read_whole(node, limits, std::numeric_limits<int>::min(),
                                 std::numeric_limits<int>::max(), wide))
    return failed;
  value = static_cast<int>(wide);
  return {};
}

Reason read_number(const ConfigNode& node, const ConfigLimits& limits, double& value) {
  std::string text, reason;
  if (Reason failed = plain_text(node, "a number", text)) return failed;
  const std::optional<double> parsed = parse_number(text, reason);
  if (!parsed) return reason;
  if (!limits.hold(*parsed)) return outside(limits, text);
  value = *parsed;
  return {};
}

Reason read_flag(const ConfigNode& node, bool& value) {
  std::string text, reason;
  if (Reason failed = plain_text(node, "true or false", text)) return failed;
  const std::optional<bool> parsed = parse_flag(text, reason);
  if (!parsed) return reason;
  value = *parsed;
  return {};
}

Reason read_text(const ConfigNode& node, std::string& value) {
  if (node.kind == Kind::kNothing)
    return "expected a text, got nothing; write \"\" for an empty one";
  if (node.kind != Kind::kScalar) return "expected a text, got " + node.description();
  value = node.scalar;
  return {};
}

Reason read_texts(const ConfigNode& node, TextOrList& value) {
  TextOrList read;
  if (node.kind != Kind::kList) {
    if (Reason failed = read_text(node, read.text)) return failed;
  } else if (node.items.empty()) {
    return "the list is empty";
  }
  for (const ConfigNode& item : node.items)
    if (Reason failed = read_text(item, read.list.emplace_back())) return "in the list: " + *failed;
  value = std::move(read);
  return {};
}

Reason read_size(const ConfigNode& node, FrameSize& value) {
  if (node.kind == Kind::kScalar && node.scalar.empty()) {
    value = {};
    return {};
  }
  const std::optional<FrameSize> size =
      node.kind == Kind::kScalar ? parse_frame_size(node.scalar) : std::nullopt;
  if (!size) return "expected width x height in pixels, such as 48x32, got " + node.description();
  value = *size;
  return {};
}

template <class Numbers>
Reason read_each(const ConfigNode& node, const ConfigLimits& limits, Numbers read, Numbers& value) {
  for (std::size_t i = 0; i < read.size(); ++i)
    if (Reason failed = read_int(node.items[i], limits, read[i]))
      return fmt::format("number {} of the list: {}", i + 1, *failed);
  value = read;
  return {};
}

Reason read_three(const ConfigNode& node, const ConfigLimits& limits, std::array<int, 3>& value) {
  if (node.kind != Kind::kList || node.items.size() != value.size())
    return "expected a list of 3 whole numbers such as [1, 2, 2], got " + node.description();
  return read_each(node, limits, std::array<int, 3>{}, value);
}

Reason read_numbers(const ConfigNode& node, const ConfigLimits& limits, std::vector<int>& value) {
  if (node.kind != Kind::kList || node.items.empty())
    return "expected a list of whole numbers such as [1, 2, 4], got " + node.description();
  return read_each(node, limits, std::vector<int>(node.items.size()), value);
}

Reason read_choice(const ConfigNode& node, const ConfigChoice& choice) {
  const std::string expected = fmt::format("expected one of {}", fmt::join(choice.names, ", "));
  if (node.kind != Kind::kScalar) return expected + ", got " + node.description();
  for (const auto& [name, value] : choice.older)
    if (name == node.scalar) {
      choice.set(value);
      return {};
    }
  const auto found = std::find(choice.names.begin(), choice.names.end(), node.scalar);
  if (found == choice.names.end()) {
    const std::string meant = nearest(node.scalar, choice.names);
    return expected + ", got " + node.description() +
           (meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
  }
  choice.set(static_cast<int>(found - choice.names.begin()));
  return {};
}

}  // namespace

bool ConfigLimits::hold(double value) const {
  return !(at_least && value < *at_least) && !(above && value <= *above) &&
         !(at_most && value > *at_most) && !(below && value >= *below);
}

std::string ConfigLimits::text() const {
  std::vector<std::string> parts;
  if (at_least) parts.push_back(fmt::format("at least {}", *at_least));
  if (above) parts.push_back(fmt::format("above {}", *above));
  if (at_most) parts.push_back(fmt::format("at most {}", *at_most));
  if (below) parts.push_back(fmt::format("below {}", *below));
  return fmt::format("{}", fmt::join(parts, " and "));
}

std::optional<std::string> ConfigField::assign(const ConfigNode& node) const {
  return std::visit(Overloaded{
                        [&](bool* value) { return read_flag(node, *value); },
                        [&](int* value) { return read_int(node, limits, *value); },
                        [&](std::int64_t* value) {
                          return read_whole(node, limits, std::numeric_limits<std::int64_t>::min(),
                                            std::numeric_limits<std::int64_t>::max(), *value);
                        },
                        [&](double* value) { return read_number(node, limits, *value); },
                        [&](std::string* value) { return read_text(node, *value); },
                        [&](FrameSize* value) { return read_size(node, *value); },
                        [&](TextOrList* value) { return read_texts(node, *value); },
                        [&](std::array<int, 3>* value) { return read_three(node, limits, *value); },
                        [&](std::vector<int>* value) { return read_numbers(node, limits, *value); },
                        [&](const ConfigChoice& choice) { return read_choice(node, choice); },
                    },
                    target);
}

std::string ConfigField::value_text() const {
  return std::visit(
      Overloaded{
          [](const bool* value) { return fmt::format("{}", *value); },
          [](const std::string* value) { return quote_for_yaml(*value); },
          [](const FrameSize* value) { return *value == FrameSize{} ? "\"\"" : to_text(*value); },
          [](const TextOrList* value) {
            if (value->list.empty()) return quote_for_yaml(value->text);
            std::vector<std::string> items;
            for (const std::string& item : value->list) items.push_back(quote_for_yaml(item));
            return fmt::format("[{}]", fmt::join(items, ", "));
          },
          [](const std::array<int, 3>* value) {
            return fmt::format("[{}]", fmt::join(*value, ", "));
          },
          [](const std::vector<int>* value) {
            return fmt::format("[{}]", fmt::join(*value, ", "));
          },
          [](const ConfigChoice& choice) { return choice.names.at(choice.get()); },
          [](const auto* value) { return fmt::format("{}", *value); },
      },
      target);
}

std::string ConfigField::type_text() const {
  const std::string type =
      std::visit(Overloaded{
                     [](const bool*) { return std::string("true or false"); },
                     [](const double*) { return std::string("number"); },
                     [](const std::string*) { return std::string("text"); },
                     [](const FrameSize*) { return std::string("width x height, or empty"); },
                     [](const TextOrList*) { return std::string("text, or a list of texts"); },
                     [](const std::array<int, 3>*) { return std::string("3 whole numbers"); },
                     [](const std::vector<int>*) { return std::string("list of whole numbers"); },
                     [](const ConfigChoice& choice) {
                       return fmt::format("{}", fmt::join(choice.names, ", "));
                     },
                     [](const auto*) { return std::string("whole number"); },
                 },
                 target);
  const std::string range = limits.text();
  return range.empty() ? type : type + ", " + range;
}

}  // namespace muybridge
