#include "data/corpus/remark.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>

#include "core/text/printable.h"

namespace muybridge {

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
    lines.push_back(printable_line(kind.count == 1
                                       ? fmt::format("{}: {}{}", kind.first->name, kind.name, text)
                                       : fmt::format("{} files: {}; the first is {}{}", kind.count,
                                                     kind.name, kind.first->name, text)));
  }
  return lines;
}

}  // namespace muybridge
