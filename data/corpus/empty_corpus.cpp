#include "data/corpus/empty_corpus.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/text/printable.h"

namespace muybridge {
namespace {

constexpr std::size_t kShown = 4;  // kinds and tables, so that people read to the end

std::string advice(const CorpusListing& listing) {
  const auto has = [&](const char* kind) {
    return std::any_of(listing.skipped.begin(), listing.skipped.end(),
                       [&](const FileRemark& remark) { return remark.kind == kind; });
  };
  if (has(remark::kNoCaption)) {
    return "put a text file beside each clip (a.txt beside a.mp4) or a list with the columns path "
           "and caption into the folder, or give all the same with --caption TEXT";
  }
  return "docs/corpora.md says which forms a corpus may have";
}

}  // namespace

void fail_empty_corpus(const std::filesystem::path& input, const CorpusListing& listing) {
  std::vector<std::string> parts;
  for (const FileRemark& note : listing.notes) {
    if (note.kind == remark::kNoList && parts.size() < kShown) {
      parts.push_back(printable_line(note.name + ": " + note.text));
    }
  }
  std::vector<std::string> kinds = summarise(listing.skipped);
  kinds.resize(std::min(kinds.size(), kShown));
  for (std::string& line : kinds) parts.push_back(std::move(line));
  if (parts.empty()) parts.emplace_back("there is no video or image in it");
  const bool damaged =
      !listing.skipped.empty() &&
      std::all_of(listing.skipped.begin(), listing.skipped.end(),
                  [](const FileRemark& remark) { return remark.kind == remark::kArchiveDamaged; });
  fail(damaged ? ExitCode::kCorrupt : ExitCode::kUsage,
       "{}: no clip can be used, taken as {}: {}. {}", input.string(), listing.form,
       fmt::join(parts, "; "), "To go on, " + advice(listing));
}

}  // namespace muybridge
