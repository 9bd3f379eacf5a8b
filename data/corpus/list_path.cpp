#include "data/corpus/list_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/text/utf8.h"
#include "data/corpus/corpus_path.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

std::string with_slashes(std::string text) {
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

int hex_digit(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  if (std::isdigit(byte) != 0) return letter - '0';
  return std::isxdigit(byte) != 0 ? std::tolower(byte) - 'a' + 10 : -1;
}

std::string without_percents(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

// "https" of "https://...", nothing of a path.
std::string_view scheme_of(std::string_view path) {
  const std::size_t colon = path.find("://");
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view scheme = path.substr(0, colon);
  const bool word = std::all_of(scheme.begin(), scheme.end(), [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '+' || letter == '-' || letter == '.';
  });
  return word ? scheme : std::string_view();
}

// The file of this spelling; if there is none, the first that was looked for and what it is.
struct Found {
  fs::path file;
  PathLook look;
};

Found look_for(const fs::path& folder, const std::string& path) {
  Found first{folder / path, look_at(folder / path)};
  if (first.look.is_file() || fs::path(path).is_absolute()) return first;
  for (const char* below : {"videos", "video", "clips", "images"}) {
    const fs::path file = folder / below / path;
    const PathLook look = look_at(file);
    if (look.is_file()) return {file, look};
  }
  return first;
}

Finding problem_of(const PathLook& look, const std::string& path) {
  switch (look.kind) {
    case PathLook::Kind::kFile:
      return {};
    case PathLook::Kind::kFolder:
      return {remark::kFileUnusable, "it is a folder"};
    case PathLook::Kind::kOther:
      return {remark::kFileUnusable, "it is not a regular file"};
    case PathLook::Kind::kNothing:
      break;
  }
  if (look.error != ENOENT && look.error != ENOTDIR) {
    const bool zero = path.find('\0') != std::string::npos;
    return {remark::kFileUnusable, zero ? "its path has a zero byte" : std::strerror(look.error)};
  }
  return {remark::kFileMissing, spelling_hint(path)};
}

}  // namespace

ListedFile find_listed_file(const fs::path& folder, const std::string& path) {
  std::string written = path;
  const std::string_view scheme = scheme_of(path);
  if (scheme == "file") {
    written = without_percents(path.substr(std::string_view("file://").size()));
  } else if (!scheme.empty()) {
    return {.file = path, .problem = {remark::kRowAddress, {}}, .note = {}};
  }
  const Found first = look_for(folder, written);
  if (first.look.is_file()) return {.file = first.file, .problem = {}, .note = {}};
  std::vector<std::string> spellings = {trimmed(written)};
  spellings.push_back(with_slashes(spellings.front()));
  spellings.push_back(without_percents(spellings.back()));
  std::string_view tried = written;
  for (const std::string& spelling : spellings) {
    if (spelling == tried || spelling.empty()) continue;
    tried = spelling;
    const Found found = look_for(folder, spelling);
    if (!found.look.is_file()) continue;
    return {.file = found.file, .problem = {}, .note = {remark::kForeignPath, shown_name(path)}};
  }
  return {.file = first.file, .problem = problem_of(first.look, written), .note = {}};
}

std::string spelling_hint(std::string_view name) {
  const bool accents = std::any_of(name.begin(), name.end(), [](char letter) {
    return (static_cast<unsigned char>(letter) & 0x80U) != 0;
  });
  return accents ? "letters such as é have two spellings in Unicode; compare with the file's" : "";
}

std::string shown_name(const std::string& name) {
  constexpr std::size_t kMost = 200;
  const std::string clean = trimmed(name);
  if (clean.size() <= kMost) return clean;
  return std::string(cut_utf8(clean, kMost)) + "...";
}

}  // namespace muybridge
