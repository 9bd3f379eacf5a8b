#include "data/corpus/corpus_listing.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"
#include "data/corpus/corpus_forms.h"
#include "data/corpus/media_files.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kTables = {"metadata.csv", "metadata.jsonl",
                                                     "metadata.json", "videos2caption.json"};

bool is_table_name(const fs::path& name) {
  return name.extension() == ".csv" || name.extension() == ".jsonl" || name.extension() == ".json";
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename().string().front() != '.') {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

fs::path first_existing(const fs::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (fs::is_regular_file(folder / name)) return folder / name;
  }
  return {};
}

// The metadata file of a folder: one of the usual names, or the only .csv or .jsonl in it, or the
// only .json if no clip lies beside it.
fs::path find_table(const fs::path& folder) {
  for (const std::string_view name : kTables) {
    if (fs::is_regular_file(folder / name)) return folder / name;
  }
  std::vector<fs::path> tables;
  bool clips = false;
  for (const fs::path& file : files_in(folder)) {
    if (is_table_name(file)) tables.push_back(file);
    clips = clips || is_media_name(file);
  }
  std::vector<fs::path> certain;
  for (const fs::path& table : tables) {
    if (table.extension() != ".json") certain.push_back(table);
  }
  if (certain.size() == 1) return certain.front();
  if (certain.empty() && tables.size() == 1 && !clips) return tables.front();
  return {};
}

std::string list_folder(const fs::path& folder, const CaptionContext& context) {
  if (const fs::path table = find_table(folder); !table.empty()) {
    list_table(table, folder, context);
    return table.filename().string();
  }
  const fs::path videos = first_existing(folder, {"videos.txt"});
  const fs::path prompts =
      first_existing(folder, {"prompts.txt", "prompt.txt", "captions.txt", "caption.txt"});
  if (!videos.empty() && !prompts.empty()) {
    list_lines(videos, prompts, context);
    return "videos.txt and " + prompts.filename().string();
  }
  if (fs::is_directory(folder / "videos") && fs::is_directory(folder / "metas")) {
    list_pairs(folder / "videos", folder / "metas", context);
    return "videos/ and metas/";
  }
  std::vector<fs::path> archives;
  for (const fs::path& file : walk_files(folder)) {
    if (is_tar_name(file)) archives.push_back(file);
  }
  if (!archives.empty()) {
    for (const fs::path& archive : archives) list_archive(archive, context);
    return "tar archives";
  }
  list_pairs(folder, folder, context);
  return "clips with captions beside them";
}

std::string list_file(const fs::path& file, const CaptionContext& context) {
  if (is_tar_name(file)) {
    list_archive(file, context);
    return "a tar archive";
  }
  if (is_table_name(file)) {
    list_table(file, file.parent_path().empty() ? "." : file.parent_path(), context);
    return file.filename().string();
  }
  if (file.extension() == ".txt") {
    list_of_tables(file, context);
    return "a list of metadata files";
  }
  if (!is_media_name(file)) {
    fail(ExitCode::kUsage,
         "{}: neither a folder, a video, an image, a tar archive nor a metadata file",
         file.string());
  }
  Caption caption = missing_caption(context.rules);
  for (const char* ending : {".txt", ".caption", ".json"}) {
    const fs::path beside = fs::path(file).replace_extension(ending);
    if (!fs::is_regular_file(beside)) continue;
    caption = read_caption_file(beside, context.rules);
    break;
  }
  context.add({.file = file, .name = file.filename().string()}, caption);
  return is_video_name(file) ? "a single video" : "a single image";
}

fs::path validation_folder(const fs::path& input) {
  for (const char* name : {"validation", "valid", "val"}) {
    if (fs::is_directory(input / name)) return input / name;
  }
  return {};
}

}  // namespace

CorpusListing list_corpus(const fs::path& input, const CaptionRules& rules) {
  CorpusListing listing;
  std::error_code error;
  if (!fs::exists(input, error)) {
    fail(ExitCode::kUsage, "{}: {}", input.string(), error ? error.message() : "no such file");
  }
  const bool folder = fs::is_directory(input);
  const CaptionContext context{folder ? input : input.parent_path(), rules, listing};
  if (!folder) {
    listing.form = list_file(input, context);
    return listing;
  }
  const fs::path validation = validation_folder(input);
  if (validation.empty() || !fs::is_directory(input / "train")) {
    listing.form = list_folder(input, context);
    return listing;
  }
  listing.form = "train/ (" + list_folder(input / "train", context) + ")";
  for (ClipSource& clip : listing.clips) clip.split = "train";
  listing.form += ", validation/ (" + list_folder(validation, context) + ")";
  for (ClipSource& clip : listing.clips) {
    if (clip.split.empty()) clip.split = "validation";
  }
  return listing;
}

}  // namespace muybridge
