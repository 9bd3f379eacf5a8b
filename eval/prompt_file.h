#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace muybridge {

// The prompts of a text file, one a line: without a byte order mark, line ends of Windows, blank
// lines, blanks around a prompt, and lines that begin with '#'. Throws Error(kUsage) where the file
// cannot be read, has no prompt, or has bytes that are not UTF-8: "prompts.txt:3: ...".
std::vector<std::string> read_prompt_file(const std::filesystem::path& path);

}  // namespace muybridge
