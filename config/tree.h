#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// A configuration as it was written, before any meaning: what each text says and where it stands.

struct ConfigPlace {
  std::shared_ptr<const std::string> source;  // a file's path, or "override 'a.b=c'"
  int line = 0;                               // from 1; 0 in an override, which has no lines
  int column = 0;

  std::string text() const;  // "shapes.yaml:12:5" or "override 'a.b=c'"
};

struct ConfigEntry;

struct ConfigNode {
  enum class Kind { kNothing, kScalar, kList, kSection };

  Kind kind = Kind::kNothing;
  ConfigPlace place;
  std::string scalar;                // kScalar
  bool quoted = false;               // kScalar in quotes or a block: text, whatever it looks like
  std::vector<ConfigNode> items;     // kList
  std::vector<ConfigEntry> entries;  // kSection, in the order written, no key twice

  const ConfigEntry* find(std::string_view key) const;
  ConfigEntry* find(std::string_view key);
  // "nothing", "the text 'abc'", "a list", "a section": for messages.
  std::string description() const;
};

struct ConfigEntry {
  std::string key;
  ConfigPlace place;
  ConfigNode value;
};

// The mistakes found in a configuration, to be reported together.
class ConfigMistakes {
 public:
  // `key` is the full name ("optimizer.eps"), empty where the mistake is not about one.
  void add(const ConfigPlace& place, const std::string& key, const std::string& reason);
  bool empty() const { return lines_.empty(); }
  // Throws Error(kUsage), one mistake a line: "file:line:column: key: reason".
  void throw_if_any() const;

 private:
  std::vector<std::string> lines_;
};

// Lays `over` on `base`: sections merge key by key, anything else is replaced.
void merge_config(ConfigNode& base, ConfigNode over);

}  // namespace muybridge
