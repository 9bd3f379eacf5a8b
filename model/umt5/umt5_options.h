#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/ops/attention/relative_attention.h"

namespace muybridge {

// The shape of a UMT5 encoder. The defaults are those of UMT5-XXL, which Wan2.1 reads texts with.
struct Umt5Options {
  std::int64_t vocabulary = 256384;
  std::int64_t width = 4096;
  std::int64_t heads = 64;
  std::int64_t head_width = 64;  // all heads together need not be as wide as the model
  std::int64_t mlp_width = 10240;
  std::int64_t depth = 24;
  RelativeBuckets buckets;
  double eps = 1e-6;
  std::int32_t end_id = 1;  // the token that ends a text
};

// Throws std::invalid_argument for sizes that are not positive, and as require_valid of buckets.
void require_valid(const Umt5Options& options);

// Of a config.json of the transformers library. Throws Error(kCorrupt) where it is damaged, and
// Error(kUsage) for what is no UMT5 encoder or is none of ours (another gate, a decoder).
Umt5Options read_umt5_options(const std::filesystem::path& path);
Umt5Options parse_umt5_options(std::string_view text, const std::string& where);

}  // namespace muybridge
