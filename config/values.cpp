#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace muybridge {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

std::size_t skip_sign(std::string_view text, std::size_t at) {
  return at < text.size() && (text[at] == '+' || text[at] == '-') ? at + 1 : at;
}

bool has_leading_zero(std::string_view digits) {
  return digits.size() > 1 && digits[0] == '0' && is_digit(digits[1]);
}

// sign? (digits [. digits?] | . digits) ([eE] sign? digits)?
bool is_decimal(std::string_view text) {
  const std::size_t start = skip_sign(text, 0);
  std::size_t at = skip_digits(text, start);
  std::size_t digits = at - start;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = at + 1;
    at = skip_digits(text, fraction);
    digits += at - fraction;
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t exponent = skip_sign(text, at + 1);
    at = skip_digits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

std::string_view without_plus(std::string_view text) {
  return text.starts_with('+') ? text.substr(1) : text;
}

}  // namespace

std::optional<FrameSize> parse_frame_size(std::string_view text) {
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return std::nullopt;
  const auto side = [](std::string_view digits) {
    int value = 0;
    if (digits.empty() || digits.size() > 5 || digits[0] == '0' ||
        skip_digits(digits, 0) != digits.size())
      return 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  };
  const FrameSize size{side(text.substr(0, x)), side(text.substr(x + 1))};
  if (size.width == 0 || size.height == 0) return std::nullopt;
  return size;
}

std::string to_text(const FrameSize& size) {
  return size == FrameSize{} ? "" : fmt::format("{}x{}", size.width, size.height);
}

std::optional<std::int64_t> parse_whole(std::string_view text, std::string& reason) {
  const std::string_view digits = text.substr(skip_sign(text, 0));
  if (digits.empty() || skip_digits(digits, 0) != digits.size()) {
    reason = is_decimal(text) ? fmt::format("expected a whole number in digits, got '{}'", text)
                              : fmt::format("expected a whole number, got '{}'", text);
    return std::nullopt;
  }
  if (has_leading_zero(digits)) {
    reason =
        fmt::format("'{}' begins with a zero, which YAML may read as octal; leave it away", text);
    return std::nullopt;
  }
  std::int64_t value = 0;
  const std::string_view rest = without_plus(text);
  if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc()) {
    reason = fmt::format("'{}' has too many digits", text);
    return std::nullopt;
  }
  return value;
}

std::optional<double> parse_number(std::string_view text, std::string& reason) {
  if (!is_decimal(text)) {
    reason = fmt::format("expected a number such as 0.001 or 1e-3, got '{}'", text);
    return std::nullopt;
  }
  if (has_leading_zero(text.substr(skip_sign(text, 0)))) {
    reason = fmt::format("'{}' begins with a zero too many; leave it away", text);
    return std::nullopt;
  }
  double value = 0;
  const std::string_view rest = without_plus(text);
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (read.ec != std::errc() || !std::isfinite(value)) {
    reason = fmt::format("'{}' is too large or too small for a 64-bit float", text);
    return std::nullopt;
  }
  return value;
}

std::optional<bool> parse_flag(std::string_view text, std::string& reason) {
  if (text == "true") return true;
  if (text == "false") return false;
  reason = fmt::format("expected true or false, got '{}'", text);
  return std::nullopt;
}

std::string quote_for_yaml(const std::string& text) {
  constexpr std::array<std::string_view, 10> kOtherMeaning = {"null", "true", "false", "yes", "no",
                                                              "on",   "off",  "y",     "n",   "."};
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '/' || c == '.' || c == '-';
  };
  const bool plain =
      !text.empty() &&
      (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '/' || text[0] == '_') &&
      std::all_of(text.begin(), text.end(), is_plain) &&
      std::find(kOtherMeaning.begin(), kOtherMeaning.end(), lower) == kOtherMeaning.end();
  if (plain) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      quoted += fmt::format("\\x{:02x}", byte);
    else
      quoted += c;
  }
  return quoted + "\"";
}

}  // namespace muybridge
