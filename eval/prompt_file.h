#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// A prompt as captions are kept in a corpus (clean_caption): no byte order mark, no white space
// around, CRLF as LF. May be empty. Throws Error(kUsage), which begins with `where`, for what is
// not UTF-8 text.
std::string clean_prompt(std::string_view raw, const std::string& where);

// The prompts of a text file, one a line, each made clean. Lines end with LF, CRLF or CR; blank
// ones and those that begin with '#' are left out. Throws Error(kUsage) that names the file, and
// the line where there is one, when it cannot be read, holds no prompt or is not UTF-8.
std::vector<std::string> read_prompt_file(const std::filesystem::path& path);

}  // namespace muybridge
