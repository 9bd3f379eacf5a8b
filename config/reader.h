#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/fields.h"
#include "config/tree.h"

namespace muybridge {

// A configuration read from a file and overrides ("a.b=c", later ones count). It throws
// Error(kUsage) with every mistake found, a line each: "file:line:column: key: reason".
//
//   ConfigReader reader(file, overrides);
//   reader.fill(fields);                       // types, ranges, unknown and missing keys
//   if (config.heads > 8) reader.refuse("model.heads", "at most 8 here");
//   reader.finish();
class ConfigReader {
 public:
  ConfigReader(const std::filesystem::path& file, const std::vector<std::string>& overrides);
  // A configuration that is no file of its own; messages call it `source`.
  static ConfigReader of_text(const std::string& text, const std::string& source,
                              const std::vector<std::string>& overrides = {});

  // Assigns what was written to the fields; throws if any of it cannot stay.
  void fill(const ConfigSection& fields);
  // A rule between fields is broken. Points at where the key was written, or at what holds it.
  void refuse(const std::string& key, const std::string& reason);
  void finish() const { mistakes_.throw_if_any(); }

 private:
  ConfigReader() = default;
  void fill_section(const ConfigSection& section, const ConfigNode& node, const ConfigPlace& place,
                    const std::string& prefix);
  void refuse_unknown(const ConfigSection& section, const ConfigEntry& entry,
                      const std::string& prefix);

  ConfigMistakes mistakes_;
  ConfigNode tree_;
  const ConfigSection* root_ = nullptr;
};

// The values as a YAML file that loads to the same values, each with its help as a comment.
std::string config_to_yaml(const ConfigSection& fields);

// Every key with its present value as YAML, in the order of the fields.
struct ConfigValue {
  std::string key;  // "model.width"
  std::string value;
};
std::vector<ConfigValue> config_values(const ConfigSection& fields);

// The fields with their types, defaults and help as tables in Markdown, a table a section.
std::string config_to_markdown(const ConfigSection& fields);

}  // namespace muybridge
