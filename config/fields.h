#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/tree.h"
#include "config/values.h"

namespace muybridge {

// What a configuration may hold: each struct names its fields once, in a function
//   void describe(ConfigSection& to, OptimizerConfig& config) {
//     to.add("learning_rate", config.learning_rate, "peak step size", {.above = 0});
// and from that come loading, `config show` and docs/configuration.md. A description points into
// the struct it describes and must not outlive it.

// The values a number may have; text() says it: "above 0, at most 1".
struct ConfigLimits {
  std::optional<double> at_least = {};
  std::optional<double> above = {};
  std::optional<double> at_most = {};
  std::optional<double> below = {};

  bool hold(double value) const;
  std::string text() const;
};

// An enumeration whose values count from 0, seen through the names of its values.
struct ConfigChoice {
  std::vector<std::string> names;
  std::function<int()> get;
  std::function<void(int)> set;
  // What earlier versions wrote, and which value it means: read, and never written.
  std::vector<std::pair<std::string, int>> older = {};
};

struct ConfigField {
  using Target = std::variant<bool*, int*, std::int64_t*, double*, std::string*, FrameSize*,
                              TextOrList*, std::array<int, 3>*, std::vector<int>*, ConfigChoice>;
  std::string name;
  std::string help;
  Target target;
  ConfigLimits limits = {};
  bool required = false;  // there is no default that could be right

  // Takes the value as written; gives the reason where it cannot.
  std::optional<std::string> assign(const ConfigNode& node) const;
  // The present value as YAML, on one line.
  std::string value_text() const;
  // "whole number, at least 1"; for the reference.
  std::string type_text() const;
};

struct ConfigSection {
  std::string name;
  std::string help;
  std::vector<ConfigField> fields;
  std::vector<ConfigSection> sections;

  template <class T>
  void add(std::string field, T& value, std::string text, ConfigLimits limits = {}) {
    fields.push_back({std::move(field), std::move(text), &value, limits});
  }

  void add_required(std::string field, std::string& value, std::string text) {
    fields.push_back({std::move(field), std::move(text), &value, {}, true});
  }
  void add_required(std::string field, int& value, std::string text, ConfigLimits limits) {
    fields.push_back({std::move(field), std::move(text), &value, limits, true});
  }

  template <class Enum>
  void add_choice(std::string field, Enum& value, std::vector<std::string> names, std::string text,
                  std::vector<std::pair<std::string, int>> older = {}) {
    static_assert(std::is_enum_v<Enum>);
    ConfigChoice choice{std::move(names), [&value] { return static_cast<int>(value); },
                        [&value](int index) { value = static_cast<Enum>(index); },
                        std::move(older)};
    fields.push_back({std::move(field), std::move(text), std::move(choice)});
  }

  // The same, with one more name in front for "not chosen": no value.
  template <class Enum>
  void add_choice(std::string field, std::optional<Enum>& value, std::vector<std::string> names,
                  std::string text) {
    static_assert(std::is_enum_v<Enum>);
    ConfigChoice choice{std::move(names),
                        [&value] { return value ? static_cast<int>(*value) + 1 : 0; },
                        [&value](int index) {
                          value.reset();
                          if (index > 0) value = static_cast<Enum>(index - 1);
                        }};
    fields.push_back({std::move(field), std::move(text), std::move(choice)});
  }

  // For the next line only: one more section may move it.
  ConfigSection& add_section(std::string section, std::string text) {
    return sections.emplace_back(ConfigSection{std::move(section), std::move(text), {}, {}});
  }
};

}  // namespace muybridge
