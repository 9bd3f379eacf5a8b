#include "eval/prompt_file.h"

#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"

namespace muybridge {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string read_text(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path))
    fail(ExitCode::kUsage, "{} is a folder; name a text file with a prompt a line", path.string());
  try {
    return read_file(path);
  } catch (const Error& error) {
    fail(ExitCode::kUsage, "{}; name a text file with a prompt a line", error.what());
  }
}

}  // namespace

std::vector<std::string> read_prompt_file(const std::filesystem::path& path) {
  const std::string content = read_text(path);
  std::string_view rest = content;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> prompts;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    if (find_invalid_utf8(line) != std::string_view::npos)
      fail(ExitCode::kUsage,
           "{}:{}: the text is not UTF-8; save the file as UTF-8 (it may be Latin-1 or UTF-16)",
           path.string(), number);
    if (!line.empty() && !line.starts_with('#')) prompts.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (prompts.empty())
    fail(ExitCode::kUsage, "{}: no prompt in it; write one a line", path.string());
  return prompts;
}

}  // namespace muybridge
