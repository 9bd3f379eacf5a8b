#pragma once

#include <memory>
#include <string>

#include "config/tree.h"

namespace muybridge {

constexpr std::size_t kMostConfigBytes = 1'000'000;

// Reads the part of YAML that a configuration needs: one document of sections, lists and texts.
// Refused with a place: anchors and aliases, tags, tabs as indentation, several documents, control
// characters, text that is not UTF-8, more than 16 levels or 20,000 values, and whatever is not
// YAML: these throw, as nothing after them can be trusted. A duplicate key goes to `mistakes`.
ConfigNode parse_config_text(const std::string& text,
                             const std::shared_ptr<const std::string>& source,
                             ConfigMistakes& mistakes);

}  // namespace muybridge
