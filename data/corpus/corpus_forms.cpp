#include "data/corpus/corpus_forms.h"

#include <set>

#include "data/corpus/caption_pairs.h"
#include "data/corpus/corpus_path.h"
#include "data/corpus/list_path.h"
#include "data/corpus/media_files.h"
#include "data/corpus/metadata_table.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// Files of one kind: where they are, and what they are called below their folder.
struct FileNames {
  std::vector<fs::path> files;
  std::vector<std::string> names;

  void add(const fs::path& file, const fs::path& folder) {
    files.push_back(file);
    names.push_back(file.lexically_relative(folder).generic_string());
  }
};

// Tables that were said to be no list of clips, by name; nothing more is said of them.
std::set<std::string> told_tables(const CaptionContext& context) {
  std::set<std::string> names;
  for (const FileRemark& note : context.listing.notes) {
    if (note.kind == remark::kNoList) names.insert(note.name);
  }
  return names;
}

std::string why_not_media(const fs::path& file) {
  if (look_at(file).kind == PathLook::Kind::kOther) return "nor a regular file";
  if (is_table_name(file)) return "a list is read in the folder given, or if it is given itself";
  const std::string ending = lower_ending(file);
  if (ending == ".parquet" || ending == ".xlsx") return "save a list as .csv or .jsonl";
  return ending == ".zip" || ending == ".rar" || ending == ".7z" ? "unpack it first" : "";
}

}  // namespace

std::string CaptionContext::name_of(const fs::path& file) const {
  const fs::path relative = file.lexically_normal().lexically_relative(root.lexically_normal());
  return relative.empty() || *relative.begin() == ".." ? file.string() : relative.string();
}

void CaptionContext::skip(std::string name, Finding finding) const {
  listing.skipped.push_back({std::move(name), std::move(finding.kind), std::move(finding.text)});
}

void CaptionContext::skip(const fs::path& file, Finding finding) const {
  skip(name_of(file), std::move(finding));
}

void CaptionContext::note(std::string name, Finding finding) const {
  listing.notes.push_back({std::move(name), std::move(finding.kind), std::move(finding.text)});
}

void CaptionContext::add(ClipSource clip, const Caption& caption) const {
  if (!caption.problem.none()) return skip(clip.name, caption.problem);
  for (const Finding& finding : caption.notes) note(clip.name, finding);
  clip.caption = caption.text;
  listing.clips.push_back(std::move(clip));
}

void list_pairs(const fs::path& clips, const fs::path& captions, const CaptionContext& context) {
  const bool apart = clips != captions;
  const std::set<std::string> told = told_tables(context);
  FileNames media;
  FileNames texts;
  const FolderFiles found = walk_files(clips);
  for (const auto& [path, finding] : found.left_out) context.skip(path, finding);
  for (const fs::path& file : found.files) {
    if (is_media_name(file)) {
      media.add(file, clips);
    } else if (is_caption_name(file) && !apart) {
      texts.add(file, clips);
    } else if (!is_tar_name(file) && !told.contains(context.name_of(file))) {
      context.skip(file, {remark::kNotMedia, why_not_media(file)});
    }
  }
  if (apart) {
    const FolderFiles beside = walk_files(captions);
    for (const auto& [path, finding] : beside.left_out) context.skip(path, finding);
    for (const fs::path& file : beside.files) {
      if (is_caption_name(file)) texts.add(file, captions);
    }
  }
  const CaptionPairs pairs = pair_captions(media.names, texts.names, /*samples=*/false);
  for (std::size_t i = 0; i < media.files.size(); ++i) {
    const PairedMedia& pair = pairs.media[i];
    ClipSource clip{.file = media.files[i], .name = context.name_of(media.files[i])};
    if (!pair.problem.none()) {
      context.skip(clip.name, pair.problem);
      continue;
    }
    Caption caption =
        pair.caption < 0
            ? missing_caption(context.rules)
            : read_caption_file(texts.files[static_cast<std::size_t>(pair.caption)], context.rules);
    if (!pair.note.none()) caption.notes.push_back(pair.note);
    context.add(std::move(clip), caption);
  }
  for (const int alone : pairs.alone) {
    const fs::path& file = texts.files[static_cast<std::size_t>(alone)];
    if (!told.contains(context.name_of(file))) {
      context.skip(file, {remark::kCaptionAlone, spelling_hint(file.filename().string())});
    }
  }
}

void list_single(const fs::path& file, const CaptionContext& context) {
  Caption caption = missing_caption(context.rules);
  caption.notes.clear();  // who names one file knows that the caption is his
  const fs::path stem = fs::path(file).replace_extension();
  for (const fs::path& name : {file, stem}) {
    for (const char* ending : {".txt", ".caption", ".json"}) {
      const fs::path beside = name.string() + ending;
      if (look_at(beside).is_file()) {
        return context.add({.file = file, .name = file.filename().string()},
                           read_caption_file(beside, context.rules));
      }
    }
  }
  context.add({.file = file, .name = file.filename().string()}, caption);
}

}  // namespace muybridge
