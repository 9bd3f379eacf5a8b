#include "data/corpus/corpus_listing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string_view>

#include "core/error.h"
#include "data/corpus/corpus_archive.h"
#include "data/corpus/corpus_forms.h"
#include "data/corpus/corpus_path.h"
#include "data/corpus/corpus_table.h"
#include "data/corpus/empty_corpus.h"
#include "data/corpus/media_files.h"
#include "data/corpus/metadata_table.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// The usual names of lists, the first wins; then others by their names.
constexpr std::array<std::string_view, 10> kLists = {
    "metadata.csv", "metadata.jsonl", "metadata.json", "videos2caption.json", "captions.json",
    "dataset.csv",  "dataset.json",   "dataset.jsonl", "train.csv",           "train.jsonl"};

constexpr std::array<const char*, 3> kValidation = {"validation", "valid", "val"};

std::size_t usual_rank(const fs::path& table) {
  const auto* const found = std::find(kLists.begin(), kLists.end(), table.filename().string());
  return static_cast<std::size_t>(found - kLists.begin());
}

// Entries of a folder itself that are not hidden, by name.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  fs::directory_iterator iterator(folder, error);
  for (; !error && iterator != fs::directory_iterator(); iterator.increment(error)) {
    if (iterator->path().filename().native().front() != '.') entries.push_back(iterator->path());
  }
  if (error) fail_errno("reading folder " + folder.string(), error.value());
  std::sort(entries.begin(), entries.end());
  return entries;
}

struct Lists {
  std::vector<fs::path> used;  // one, or two: to train and to validate with
  std::vector<std::string> splits;
};

// Tables that may be lists: not those that are the caption of a clip.
std::vector<fs::path> tables_in(const std::vector<fs::path>& entries) {
  std::set<std::string> stems;
  for (const fs::path& file : entries) {
    if (!is_media_name(file)) continue;
    stems.insert(lower(file.string()));
    stems.insert(lower(fs::path(file).replace_extension().string()));
  }
  std::vector<fs::path> tables;
  for (const fs::path& file : entries) {
    if (is_table_name(file) &&
        !stems.contains(lower(fs::path(file).replace_extension().string())) &&
        look_at(file).is_file()) {
      tables.push_back(file);
    }
  }
  std::stable_sort(tables.begin(), tables.end(), [](const fs::path& a, const fs::path& b) {
    return usual_rank(a) < usual_rank(b);
  });
  return tables;
}

bool is_validation_stem(const fs::path& table) {
  const std::string stem = table.stem().string();
  return std::find(kValidation.begin(), kValidation.end(), stem) != kValidation.end();
}

// The lists of a folder, and a word on each table that is none.
Lists find_lists(const fs::path& folder, const CaptionContext& context) {
  std::vector<fs::path> lists;
  for (const fs::path& table : tables_in(entries_of(folder))) {
    const TableVerdict verdict = examine_table(table, folder);
    if (verdict.is_list) {
      lists.push_back(table);
    } else {
      context.note(context.name_of(table), {remark::kNoList, verdict.why_not});
    }
  }
  Lists found;
  const auto train = std::find_if(lists.begin(), lists.end(),
                                  [](const fs::path& list) { return list.stem() == "train"; });
  const auto validation = std::find_if(lists.begin(), lists.end(), is_validation_stem);
  if (train != lists.end() && validation != lists.end()) {
    found = {{*train, *validation}, {"train", "validation"}};
  } else if (!lists.empty()) {
    found = {{lists.front()}, {""}};
  }
  for (const fs::path& list : lists) {
    if (std::find(found.used.begin(), found.used.end(), list) != found.used.end()) continue;
    context.note(context.name_of(list),
                 {remark::kListNotUsed, found.used.front().filename().string() + " is read"});
  }
  return found;
}

// Marks the clips that were added since there were `before`.
void set_split(const CaptionContext& context, std::size_t before, const std::string& split) {
  auto& clips = context.listing.clips;
  for (std::size_t i = before; i < clips.size(); ++i) clips[i].split = split;
}

fs::path first_file(const fs::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (look_at(folder / name).is_file()) return folder / name;
  }
  return {};
}

fs::path first_folder(const fs::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (look_at(folder / name).is_folder()) return folder / name;
  }
  return {};
}

std::string use_lists(const Lists& lists, const fs::path& folder, const CaptionContext& context) {
  NamedFiles named;
  std::string form;
  for (std::size_t i = 0; i < lists.used.size(); ++i) {
    const std::size_t before = context.listing.clips.size();
    list_table(lists.used[i], folder, context, named);
    set_split(context, before, lists.splits[i]);
    form += (i > 0 ? " and " : "") + lists.used[i].filename().string();
  }
  list_unnamed(folder, form, named, context);
  return form;
}

std::string use_lines(const fs::path& videos, const fs::path& prompts, const fs::path& folder,
                      const CaptionContext& context) {
  NamedFiles named;
  list_lines(videos, prompts, context, named);
  list_unnamed(folder, videos.filename().string(), named, context);
  return videos.filename().string() + " and " + prompts.filename().string();
}

// Says which videos and images lie beside a folder that alone is read.
void list_outside(const fs::path& root, const fs::path& inside, const CaptionContext& context) {
  for (const fs::path& file : walk_files(root).files) {
    const fs::path relative = file.lexically_relative(inside);
    const bool below = !relative.empty() && *relative.begin() != "..";
    if (!below && (is_media_name(file) || is_tar_name(file))) {
      context.skip(file, {remark::kNotInList, "only " + context.name_of(inside) + "/ is read"});
    }
  }
}

std::string list_folder(const fs::path& folder, const CaptionContext& context) {
  const Lists lists = find_lists(folder, context);
  const fs::path videos = first_file(folder, {"videos.txt", "video.txt"});
  const fs::path prompts =
      first_file(folder, {"prompts.txt", "prompt.txt", "captions.txt", "caption.txt"});
  const bool lines = !videos.empty() && !prompts.empty();
  if (!lists.used.empty()) {
    if (lines) {
      context.note(context.name_of(videos),
                   {remark::kListNotUsed, lists.used.front().filename().string() + " is read"});
    }
    return use_lists(lists, folder, context);
  }
  if (lines) return use_lines(videos, prompts, folder, context);
  const fs::path clips = first_folder(folder, {"videos", "video", "clips"});
  const fs::path texts =
      first_folder(folder, {"metas", "labels", "captions", "prompts", "texts", "txt"});
  if (!clips.empty() && !texts.empty()) {
    list_pairs(clips, texts, context);
    list_outside(folder, clips, context);
    return clips.filename().string() + "/ and " + texts.filename().string() + "/";
  }
  bool archives = false;
  bool loose = false;
  for (const fs::path& file : walk_files(folder).files) {
    loose |= is_media_name(file);
    if (!is_tar_name(file)) continue;
    archives = true;
    list_archive(file, context);
  }
  if (archives && !loose) return "tar archives";
  list_pairs(folder, folder, context);
  return archives ? "tar archives and clips with captions beside them"
                  : "clips with captions beside them";
}

std::string list_file(const fs::path& file, const CaptionContext& context) {
  if (is_tar_name(file)) {
    list_archive(file, context);
    return "a tar archive";
  }
  if (is_table_name(file)) {
    const fs::path folder = file.parent_path().empty() ? fs::path(".") : file.parent_path();
    NamedFiles named;
    list_table(file, folder, context, named);
    list_unnamed(folder, file.filename().string(), named, context);
    return file.filename().string();
  }
  if (lower_ending(file) == ".txt") {
    list_of_tables(file, context);
    return "a list of metadata files";
  }
  if (!is_media_name(file)) {
    fail(ExitCode::kUsage,
         "{}: neither a folder, a video, an image, a tar archive nor a list (.csv, .tsv, .json, "
         ".jsonl)",
         file.string());
  }
  list_single(file, context);
  return is_video_name(file) ? "a single video" : "a single image";
}

// train/ and what is held out, if a folder has both and is not itself named by a list.
struct SplitFolders {
  fs::path train;
  fs::path validation;
};

SplitFolders find_splits(const fs::path& input) {
  SplitFolders found{first_folder(input, {"train"}),
                     first_folder(input, {"validation", "valid", "val", "test"})};
  if (found.train.empty() || found.validation.empty()) return {};
  return found;
}

std::string list_splits(const SplitFolders& splits, const fs::path& input,
                        const CaptionContext& context) {
  std::string form = "train/ (" + list_folder(splits.train, context) + ")";
  const std::size_t before = context.listing.clips.size();
  set_split(context, 0, "train");
  form += fmt::format(", {}/ ({})", splits.validation.filename().string(),
                      list_folder(splits.validation, context));
  set_split(context, before, "validation");
  for (const fs::path& entry : entries_of(input)) {
    if (entry == splits.train || entry == splits.validation) continue;
    if (look_at(entry).is_folder() || is_media_name(entry) || is_tar_name(entry)) {
      context.skip(entry, {remark::kOutsideSplits, {}});
    }
  }
  return form;
}

// A list beside train/ and validation/ that names clips in both.
void split_by_folder(const SplitFolders& splits, CorpusListing& listing) {
  for (ClipSource& clip : listing.clips) {
    const fs::path relative = clip.file.lexically_relative(splits.validation);
    const bool held_out = !relative.empty() && *relative.begin() != "..";
    if (clip.split.empty()) clip.split = held_out ? "validation" : "train";
  }
}

// The only folder of a folder that has neither clips nor lists of its own, if there is a list in
// it, as in "train/metadata.csv" without a validation/.
fs::path only_listed_folder(const fs::path& input) {
  fs::path only;
  for (const fs::path& entry : entries_of(input)) {
    if (look_at(entry).is_folder()) {
      if (!only.empty()) return {};
      only = entry;
    } else if (is_media_name(entry) || is_caption_name(entry) || is_tar_name(entry) ||
               is_table_name(entry)) {
      return {};
    }
  }
  if (only.empty()) return {};
  const std::vector<fs::path> tables = tables_in(entries_of(only));
  const bool listed = std::any_of(tables.begin(), tables.end(), [&](const fs::path& table) {
    return examine_table(table, only).is_list;
  });
  return listed ? only : fs::path();
}

std::string list_root(const fs::path& input, const CaptionContext& context) {
  const SplitFolders splits = find_splits(input);
  if (splits.train.empty()) {
    const fs::path inner = only_listed_folder(input);
    if (inner.empty()) return list_folder(input, context);
    return fmt::format("{}/ ({})", inner.filename().string(), list_folder(inner, context));
  }
  const Lists lists = find_lists(input, context);
  if (lists.used.empty()) return list_splits(splits, input, context);
  std::string form = use_lists(lists, input, context);
  split_by_folder(splits, context.listing);
  return form;
}

}  // namespace

CorpusListing list_corpus(const fs::path& input, const CaptionRules& rules) {
  CorpusListing listing;
  const PathLook look = look_at(input);
  if (look.error != 0) {
    const bool absent = look.error == ENOENT || look.error == ENOTDIR;
    if (!absent) fail_errno(input.string(), look.error);
    fail(ExitCode::kUsage, "{}: {}", input.string(), std::strerror(look.error));
  }
  if (look.kind == PathLook::Kind::kOther) {
    fail(ExitCode::kUsage, "{}: neither a file nor a folder but a pipe, a socket or a device",
         input.string());
  }
  const CaptionContext context{look.is_folder() ? input : input.parent_path(), rules, listing};
  listing.form = look.is_folder() ? list_root(input, context) : list_file(input, context);
  if (listing.clips.empty()) fail_empty_corpus(input, listing);
  return listing;
}

}  // namespace muybridge
