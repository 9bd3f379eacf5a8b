#include "data/corpus/remark.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>

namespace muybridge {

std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto letter = static_cast<unsigned char>(text[i]);
    if (letter < 0x20 || letter == 0x7F) text[i] = '?';
    // Those of Latin-1, in UTF-8 C2 80 .. C2 9F.
    const bool next = letter == 0xC2 && i + 1 < text.size();
    if (next && static_cast<unsigned char>(text[i + 1]) < 0xA0) text.replace(i, 2, "?");
  }
  return text;
}

std::vector<std::string> summarise(const std::vector<FileRemark>& remarks) {
  struct Kind {
    std::string name;
    std::int64_t count = 0;
    const FileRemark* first = nullptr;
  };
  std::vector<Kind> kinds;
  for (const FileRemark& remark : remarks) {
    auto kind = std::ranges::find(kinds, remark.kind, &Kind::name);
    if (kind == kinds.end()) kind = kinds.insert(kind, {remark.kind, 0, &remark});
    ++kind->count;
  }
  std::ranges::stable_sort(kinds, std::greater{}, &Kind::count);
  std::vector<std::string> lines;
  for (const Kind& kind : kinds) {
    const std::string text = kind.first->text.empty() ? "" : ": " + kind.first->text;
    lines.push_back(printable(kind.count == 1
                                  ? fmt::format("{}: {}{}", kind.first->name, kind.name, text)
                                  : fmt::format("{} files: {}; the first is {}{}", kind.count,
                                                kind.name, kind.first->name, text)));
  }
  return lines;
}

}  // namespace muybridge
