#include "data/prepare/prepare_settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr std::array<std::string_view, 3> kCuttingNames = {"scenes", "length", "none"};

// Changes when the same video and settings would give other clips.
constexpr int kVersion = 2;

constexpr std::size_t kLargestNativeFrame = std::size_t{3} * 8192 * 4352;

}  // namespace

std::optional<Cutting> cutting_named(std::string_view name) {
  const auto* found = std::find(kCuttingNames.begin(), kCuttingNames.end(), name);
  if (found == kCuttingNames.end()) return std::nullopt;
  return static_cast<Cutting>(found - kCuttingNames.begin());
}

ClipLengths clip_lengths(int longest, int shortest, int step, int stride) {
  constexpr int kShortest = 5;
  ClipLengths lengths{.longest = longest, .step = step, .stride = stride};
  lengths.shortest = shortest > 0 ? shortest : std::min(kShortest, longest);
  lengths.rest = shortest > 0 ? shortest : std::max(lengths.shortest, longest / 4);
  return lengths;
}

void check_settings(const PrepareSettings& settings) {
  const auto require = [](bool fine, const char* option, const char* rule) {
    if (!fine) fail(ExitCode::kUsage, "{}: {}", option, rule);
  };
  const ClipLengths& lengths = settings.lengths;
  require(lengths.longest >= 1 && lengths.longest <= 16384, "--frames", "must be 1 to 16384");
  require(lengths.shortest >= 1 && lengths.shortest <= lengths.longest, "--min-frames",
          "must be 1 to --frames");
  require(lengths.step >= 1, "--frame-step", "must be 1 or more");
  require(lengths.stride >= 0, "--stride", "must be 0 (end to end) or more");
  require(settings.fps == 0 || (settings.fps >= 0.1 && settings.fps <= 240), "--fps",
          "must be 0.1 to 240, or 0 to keep every picture");
  require(settings.size.multiple >= 1 && settings.size.multiple <= 256, "--multiple",
          "must be 1 to 256");
  require(settings.validation >= 0 && settings.validation < 1, "--validation",
          "must be 0 or more and less than 1");
  require(settings.captions.max_bytes >= 1, "--max-caption-bytes", "must be 1 or more");
  if (settings.size.resize == Resize::kNative) return;
  const int most = 16384;
  require(settings.size.width >= 1 && settings.size.height >= 1 && settings.size.width <= most &&
              settings.size.height <= most,
          "--size", "width and height must be 1 to 16384");
  require(
      settings.size.resize == Resize::kCover || (settings.size.width >= settings.size.multiple &&
                                                 settings.size.height >= settings.size.multiple),
      "--size", "width and height must be --multiple or more");
}

std::string settings_json(const PrepareSettings& settings) {
  const bool native = settings.size.resize == Resize::kNative;
  const bool cover = settings.size.resize == Resize::kCover;
  const nlohmann::json json = {
      {"version", kVersion},
      {"resize", name_of(settings.size.resize)},
      {"width", native ? 0 : settings.size.width},
      {"height", native ? 0 : settings.size.height},
      {"multiple", cover ? 1 : settings.size.multiple},
      {"fps", settings.fps},
      {"frames", settings.lengths.longest},
      {"min_frames", settings.lengths.shortest},
      {"min_rest", settings.lengths.rest},
      {"frame_step", settings.lengths.step},
      {"stride", settings.lengths.stride},
      {"split", kCuttingNames[static_cast<std::size_t>(settings.cutting)]},
      {"validation", settings.validation},
      {"max_caption_bytes", settings.captions.max_bytes},
      {"caption", settings.captions.fallback},
  };
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::size_t most_frame_bytes(const PrepareSettings& settings) {
  if (settings.size.resize == Resize::kNative) return kLargestNativeFrame;
  return std::size_t{3} * static_cast<std::size_t>(settings.size.width) *
         static_cast<std::size_t>(settings.size.height);
}

}  // namespace muybridge
