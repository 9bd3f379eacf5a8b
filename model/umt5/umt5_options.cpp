#include "model/umt5/umt5_options.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

using nlohmann::json;

std::int64_t number(const json& config, const char* key, const std::string& where) {
  const auto found = config.find(key);
  if (found == config.end() || !found->is_number_integer())
    fail(ExitCode::kCorrupt, "{}: no whole number '{}'", where, key);
  return found->get<std::int64_t>();
}

// What a key says that need not be there.
template <class T>
T value_or(const json& config, const char* key, const T& otherwise, const std::string& where) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return otherwise;
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    fail(ExitCode::kCorrupt, "{}: '{}' is {}", where, key, found->dump());
  }
}

void require_ours(const json& config, const std::string& where) {
  const auto type = value_or<std::string>(config, "model_type", "", where);
  if (type != "umt5")
    fail(ExitCode::kUsage, "{}: a model of type '{}', 'umt5' expected{}", where, type,
         type == "t5" || type == "mt5" ? "; those have one bias for all layers" : "");
  const auto gate = value_or<std::string>(config, "feed_forward_proj", "gated-gelu", where);
  if (gate != "gated-gelu")
    fail(ExitCode::kUsage, "{}: feed_forward_proj is '{}'; only 'gated-gelu' is supported", where,
         gate);
  const auto activation = value_or<std::string>(config, "dense_act_fn", "gelu_new", where);
  if (activation != "gelu_new")
    fail(ExitCode::kUsage, "{}: dense_act_fn is '{}'; only 'gelu_new' is supported", where,
         activation);
  if (value_or(config, "is_decoder", false, where))
    fail(ExitCode::kUsage, "{}: a decoder; an encoder is expected", where);
}

}  // namespace

void require_valid(const Umt5Options& o) {
  const std::int64_t sizes[] = {o.vocabulary, o.width, o.heads, o.head_width, o.mlp_width, o.depth};
  if (!std::ranges::all_of(sizes, [](std::int64_t size) { return size > 0; }) || o.eps <= 0)
    throw std::invalid_argument("umt5: every size is positive");
  if (o.end_id < 0 || o.end_id >= o.vocabulary)
    throw std::invalid_argument(
        fmt::format("umt5: texts end with token {} of {}", o.end_id, o.vocabulary));
  require_valid(o.buckets);
}

Umt5Options read_umt5_options(const std::filesystem::path& path) {
  return parse_umt5_options(read_file(path), path.string());
}

Umt5Options parse_umt5_options(std::string_view text, const std::string& where) {
  const json config = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) fail(ExitCode::kCorrupt, "{}: no JSON object", where);
  require_ours(config, where);
  Umt5Options options{
      .vocabulary = number(config, "vocab_size", where),
      .width = number(config, "d_model", where),
      .heads = number(config, "num_heads", where),
      .head_width = number(config, "d_kv", where),
      .mlp_width = number(config, "d_ff", where),
      .depth = number(config, "num_layers", where),
      .buckets = {.count = number(config, "relative_attention_num_buckets", where),
                  .max_distance = number(config, "relative_attention_max_distance", where)},
      .eps = value_or(config, "layer_norm_epsilon", 1e-6, where),
      .end_id = value_or<std::int32_t>(config, "eos_token_id", 1, where)};
  try {
    require_valid(options);
  } catch (const std::invalid_argument& error) {
    fail(ExitCode::kUsage, "{}: {}", where, error.what());
  }
  return options;
}

}  // namespace muybridge
