#include "data/corpus/corpus_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "data/corpus/caption_pairs.h"
#include "data/corpus/media_files.h"
#include "data/corpus/tar_members.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// Without "./", and without a leading slash.
std::string plain_name(const std::string& name) {
  return fs::path(name).lexically_normal().relative_path().generic_string();
}

bool is_hidden(const fs::path& name) {
  return std::any_of(name.begin(), name.end(), [](const fs::path& part) {
    return part.native().front() == '.' && part != "..";
  });
}

class ArchiveContents {
 public:
  ArchiveContents(const fs::path& archive, const CaptionContext& context)
      : archive_(archive), base_(context.name_of(archive)), context_(context) {}

  void visit(const TarMember& member) {
    const std::string name = plain_name(member.name);
    if (name.empty() || name.back() == '/' || is_hidden(name) || name.starts_with("__MACOSX/")) {
      return;
    }
    const bool media = is_media_name(name);
    if (!media && !is_caption_name(name)) {
      auto& [count, example] = other_[lower_ending(name)];
      if (count++ == 0) example = name;
      return;
    }
    if (member.is_link) return context_.skip(base_ + "/" + name, {remark::kArchiveLink, {}});
    if (media) {
      put(name, media_names_, media_at_) = member.index;
    } else {
      put(name, caption_names_, captions_) = read_caption(name, member);
    }
  }

  void list() {
    const CaptionPairs pairs = pair_captions(media_names_, caption_names_, /*samples=*/true);
    for (std::size_t i = 0; i < media_names_.size(); ++i) add(i, pairs.media[i]);
    for (const int alone : pairs.alone) {
      context_.skip(base_ + "/" + caption_names_[static_cast<std::size_t>(alone)],
                    {remark::kCaptionAlone, {}});
    }
    for (const auto& [ending, found] : other_) {
      const auto& [count, example] = found;
      context_.skip(base_ + "/" + example,
                    {remark::kNotMedia, count == 1 ? "" : fmt::format("and {} more", count - 1)});
    }
  }

 private:
  // Where the value of a member goes: a new place, or that of an earlier one of the same name.
  template <class Value>
  Value& put(const std::string& name, std::vector<std::string>& names, std::vector<Value>& values) {
    const auto [at, fresh] = places_.try_emplace(name, names.size());
    if (fresh) {
      names.push_back(name);
      return values.emplace_back();
    }
    context_.note(base_ + "/" + name, {remark::kNamedTwice, "the last member of that name"});
    return values[at->second];
  }

  Caption read_caption(const std::string& name, const TarMember& member) const {
    std::optional<std::string> text = member.read(kMostCaptionBytes + 4);
    if (!text) return unusable_caption(remark::kCaptionUnreadable, "it is damaged");
    return parse_caption_file(name, std::move(*text), context_.rules);
  }

  void add(std::size_t i, const PairedMedia& pair) const {
    ClipSource clip{
        .file = archive_, .member = media_at_[i], .name = base_ + "/" + media_names_[i]};
    if (!pair.problem.none()) return context_.skip(clip.name, pair.problem);
    Caption caption = pair.caption < 0 ? missing_caption(context_.rules)
                                       : captions_[static_cast<std::size_t>(pair.caption)];
    if (!pair.note.none()) caption.notes.push_back(pair.note);
    context_.add(std::move(clip), caption);
  }

  fs::path archive_;
  std::string base_;
  const CaptionContext& context_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<std::string> media_names_;
  std::vector<std::int64_t> media_at_;
  std::vector<std::string> caption_names_;
  std::vector<Caption> captions_;
  std::map<std::string, std::pair<int, std::string>> other_;  // by ending: how many, the first
};

}  // namespace

void list_archive(const fs::path& archive, const CaptionContext& context) {
  ArchiveContents contents(archive, context);
  std::string damage;
  try {
    damage = visit_tar(archive, [&](const TarMember& member) { contents.visit(member); });
  } catch (const Error& error) {
    if (error.code() != ExitCode::kCorrupt) throw;
    context.skip(archive, {remark::kArchiveDamaged, error.what()});
    return;
  }
  contents.list();
  if (!damage.empty()) {
    context.skip(archive, {remark::kArchiveDamaged,
                           "it breaks off, its last members are missing: " + damage});
  }
}

}  // namespace muybridge
