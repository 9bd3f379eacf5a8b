#include "eval/prompt_file.h"

#include <limits>

#include "core/error.h"
#include "core/system/file.h"
#include "core/text/nearest_path.h"
#include "core/text/utf8.h"
#include "data/corpus/caption_text.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = 16 << 20;

void require_readable(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    fail(ExitCode::kUsage, "{}: no such file of prompts{}", path.string(),
         did_you_mean(path, [](const fs::path& each) { return each.extension() == ".txt"; }));
  if (!fs::is_regular_file(path, error))
    fail(ExitCode::kUsage, "{}: not a file; name a text file with a prompt a line", path.string());
  if (fs::file_size(path, error) > kMostBytes)
    fail(ExitCode::kUsage, "{}: more than {} MB; a file of prompts is a text with a prompt a line",
         path.string(), kMostBytes >> 20);
}

// Takes the first line from `rest`.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find_first_of("\r\n");
  const std::string_view line = rest.substr(0, end);
  if (end == std::string_view::npos)
    rest = {};
  else
    rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
  return line;
}

}  // namespace

std::string clean_prompt(std::string_view raw, const std::string& where) {
  if (raw.starts_with("\xFF\xFE") || raw.starts_with("\xFE\xFF"))
    fail(ExitCode::kUsage, "{}: the text is UTF-16; save it as UTF-8", where);
  if (const std::size_t at = find_invalid_utf8(raw); at != std::string_view::npos)
    fail(ExitCode::kUsage, "{}: byte 0x{:02X} is not UTF-8; save the text as UTF-8", where,
         static_cast<unsigned char>(raw[at]));
  if (raw.find('\0') != std::string_view::npos)
    fail(ExitCode::kUsage, "{}: a zero byte; this is no text", where);
  return clean_caption(raw, {.max_bytes = std::numeric_limits<std::size_t>::max(), .fallback = {}})
      .text;  // empty where nothing is left
}

std::vector<std::string> read_prompt_file(const fs::path& path) {
  require_readable(path);
  const std::string content = read_file(path);
  std::vector<std::string> prompts;
  std::string_view rest = content;
  for (int line = 1; !rest.empty(); ++line) {
    std::string prompt = clean_prompt(next_line(rest), fmt::format("{}:{}", path.string(), line));
    if (!prompt.empty() && prompt.front() != '#') prompts.push_back(std::move(prompt));
  }
  if (prompts.empty())
    fail(ExitCode::kUsage, "{}: no prompt in it; write one a line", path.string());
  return prompts;
}

}  // namespace muybridge
