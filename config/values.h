#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// The size of a picture in pixels; written "48x32": width, then height. Empty: not said.
struct FrameSize {
  int width = 0;
  int height = 0;
  bool operator==(const FrameSize&) const = default;
};
// Nothing unless the text is two positive whole numbers of at most 5 digits around an 'x'.
std::optional<FrameSize> parse_frame_size(std::string_view text);
std::string to_text(const FrameSize& size);

// A text, or in its place a list of texts.
struct TextOrList {
  std::string text;
  std::vector<std::string> list;  // counts where it is not empty
  bool operator==(const TextOrList&) const = default;
};

// Strict readers: YAML's own would take 010 for 8, "no" for false and ".inf" for a number.
// Each gives the value or, in `reason`, why it is none.
std::optional<std::int64_t> parse_whole(std::string_view text, std::string& reason);
std::optional<double> parse_number(std::string_view text, std::string& reason);
std::optional<bool> parse_flag(std::string_view text, std::string& reason);

// A text as YAML: plain where nothing can misread it, else in double quotes.
std::string quote_for_yaml(const std::string& text);

}  // namespace muybridge
