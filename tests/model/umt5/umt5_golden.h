#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/system/file.h"
#include "model/safetensors.h"

namespace muybridge::testing {

// What tests/golden/make_umt5.py wrote.
inline std::filesystem::path umt5_golden() {
  return std::filesystem::path(MUYBRIDGE_SOURCE_DIR) / "tests" / "golden" / "umt5";
}

inline nlohmann::json umt5_texts(const char* part) {
  return nlohmann::json::parse(read_file(umt5_golden() / "texts.json")).at(part);
}

}  // namespace muybridge::testing
