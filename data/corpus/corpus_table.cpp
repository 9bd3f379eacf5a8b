#include "data/corpus/corpus_table.h"

#include <cstring>
#include <functional>
#include <sstream>
#include <unordered_map>

#include "core/error.h"
#include "core/system/file.h"
#include "data/corpus/column_names.h"
#include "data/corpus/corpus_path.h"
#include "data/corpus/list_path.h"
#include "data/corpus/media_files.h"
#include "data/corpus/metadata_table.h"
#include "data/corpus/text_encoding.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

std::function<bool(const std::string&)> names_media_in(const fs::path& folder) {
  return [folder](const std::string& path) {
    return is_media_name(path) && find_listed_file(folder, path).problem.none();
  };
}

std::vector<std::string> read_lines(const fs::path& path) {
  DecodedText decoded = decode_text(read_file(path));
  if (!decoded.problem.empty()) {
    fail(ExitCode::kCorrupt, "{}: {}", path.string(), decoded.problem);
  }
  std::istringstream text(std::move(decoded.text));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

// Adds the clips of a list, each once.
class ListedClips {
 public:
  ListedClips(const fs::path& folder, const CaptionContext& context, NamedFiles& named)
      : folder_(folder), context_(context), named_(named) {}

  void add(ListEntry entry) {
    if (!entry.problem.none()) return context_.skip(entry.where, std::move(entry.problem));
    ListedFile listed = find_listed_file(folder_, entry.path);
    if (!listed.problem.none()) {
      std::string& text = listed.problem.text;
      text = text.empty() ? entry.where : entry.where + ", " + text;
      return context_.skip(shown_name(entry.path), std::move(listed.problem));
    }
    const fs::path file = listed.file.lexically_normal();
    named_.insert(file);
    ClipSource clip{.file = listed.file, .name = context_.name_of(listed.file)};
    if (!listed.note.none()) context_.note(clip.name, std::move(listed.note));
    clip.crop = entry.crop;
    clip.cut_first = entry.cut_first;
    clip.cut_end = entry.cut_end;
    if (!entry.caption.problem.none()) {
      std::string& text = entry.caption.problem.text;
      text = text.empty() ? entry.where : entry.where + ", " + text;
      return context_.skip(clip.name, std::move(entry.caption.problem));
    }
    if (is_first(clip, file, entry)) context_.add(std::move(clip), entry.caption);
  }

 private:
  bool is_first(const ClipSource& clip, const fs::path& file, const ListEntry& entry) {
    const CropBox crop = clip.crop.value_or(CropBox{});
    const std::string key = fmt::format("{}\n{} {} {} {} {} {}", file.native(), clip.cut_first,
                                        clip.cut_end, crop.left, crop.right, crop.top, crop.bottom);
    const std::size_t caption = std::hash<std::string>()(entry.caption.text);
    const auto [at, fresh] = captions_.try_emplace(key, caption);
    if (!fresh) {
      const bool same = at->second == caption;
      context_.note(clip.name, {same ? remark::kNamedTwice : remark::kSeveralCaptions,
                                entry.where + " is not used"});
    }
    return fresh;
  }

  fs::path folder_;
  const CaptionContext& context_;
  NamedFiles& named_;
  std::unordered_map<std::string, std::size_t> captions_;  // hashes, by clip
};

// Where captions come from if several columns could have them.
void note_other_captions(const TableFacts& facts, const std::string& name,
                         const CaptionContext& context) {
  std::string first;
  int first_rank = 0;
  std::string others;
  for (const std::string& column : facts.columns) {
    const ColumnRole role = role_of_column(column);
    if (role.use != ColumnRole::Use::kCaption) continue;
    if (first.empty() || role.rank < first_rank) {
      if (!first.empty()) others += (others.empty() ? "" : ", ") + first;
      first = column;
      first_rank = role.rank;
    } else {
      others += (others.empty() ? "" : ", ") + column;
    }
  }
  if (others.empty()) return;
  context.note(name, {remark::kFieldIgnored,
                      fmt::format("captions are those of \"{}\"; {} only where it is empty", first,
                                  others)});
}

}  // namespace

TableVerdict examine_table(const fs::path& table, const fs::path& folder) {
  TableVerdict verdict;
  int rows = 0;
  int files = 0;
  std::string missing;
  const TableFacts facts =
      read_caption_table(table, {}, names_media_in(folder), [&](const ListEntry& entry) {
        ++rows;
        if (entry.path.empty()) return true;
        if (!names_media_in(folder)(entry.path)) {
          if (missing.empty()) missing = entry.path;
          return true;
        }
        ++files;
        const std::string_view problem = entry.caption.problem.kind;
        verdict.is_list = problem != remark::kNoCaption && problem != remark::kEmptyCaption;
        return !verdict.is_list;
      });
  if (verdict.is_list) return verdict;
  const std::string columns = explain_columns(facts.columns);
  if (!facts.problem.empty()) {
    verdict.why_not = facts.problem;
  } else if (!columns.empty()) {
    verdict.why_not = columns;
  } else if (files > 0) {
    verdict.why_not = "it names files that are here, but has no caption for any of them";
  } else {
    verdict.why_not = rows == 0 ? "it has no rows"
                                : fmt::format(
                                      "none of its {} rows names a video or image that is "
                                      "here",
                                      rows);
    if (!missing.empty()) {
      const std::string hint = find_listed_file(folder, missing).problem.text;
      verdict.why_not += fmt::format("; the first names {}{}", shown_name(missing),
                                     hint.empty() ? "" : " (" + hint + ")");
    }
  }
  return verdict;
}

void list_table(const fs::path& table, const fs::path& folder, const CaptionContext& context,
                NamedFiles& named) {
  ListedClips clips(folder, context, named);
  const TableFacts facts =
      read_caption_table(table, context.rules, names_media_in(folder), [&](ListEntry entry) {
        clips.add(std::move(entry));
        return true;
      });
  if (!facts.problem.empty()) {
    fail(ExitCode::kCorrupt, "{}: {}; mend the file or take it away", table.string(),
         facts.problem);
  }
  bool path = false;
  bool caption = !context.rules.fallback.empty();
  for (const std::string& column : facts.columns) {
    path |= role_of_column(column).use == ColumnRole::Use::kPath;
    caption |= role_of_column(column).use == ColumnRole::Use::kCaption;
  }
  if (!path || !caption) {
    fail(ExitCode::kUsage, "{}: {}; rename the columns in the first line or the keys",
         table.string(), explain_columns(facts.columns));
  }
  const std::string name = table.filename().string();
  if (facts.without_header) {
    context.note(name, {remark::kNoHeader, fmt::format("its columns are taken as {}",
                                                       fmt::join(facts.columns, ", "))});
  }
  if (!facts.path_column.empty()) {
    context.note(name, {remark::kColumnByValues, shown_name(facts.path_column)});
  }
  note_other_captions(facts, name, context);
}

void list_lines(const fs::path& videos, const fs::path& prompts, const CaptionContext& context,
                NamedFiles& named) {
  const std::vector<std::string> paths = read_lines(videos);
  const std::vector<std::string> captions = read_lines(prompts);
  if (paths.size() != captions.size()) {
    fail(ExitCode::kCorrupt, "{} has {} lines and {} has {}; they must match line by line",
         videos.string(), paths.size(), prompts.string(), captions.size());
  }
  ListedClips clips(videos.parent_path(), context, named);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (paths[i].empty() && captions[i].empty()) continue;
    ListEntry entry;
    entry.where = fmt::format("{}:{}", videos.filename().string(), i + 1);
    entry.path = paths[i];
    entry.caption = clean_caption(captions[i], context.rules);
    if (paths[i].empty()) entry.problem = {remark::kRowWithoutPath, {}};
    clips.add(std::move(entry));
  }
}

void list_unnamed(const fs::path& folder, const std::string& list, const NamedFiles& named,
                  const CaptionContext& context) {
  std::set<fs::path> stems;
  for (const fs::path& file : named) stems.insert(fs::path(file).replace_extension());
  int captions = 0;
  fs::path example;
  const FolderFiles found = walk_files(folder);
  for (const auto& [path, finding] : found.left_out) context.skip(path, finding);
  for (const fs::path& path : found.files) {
    const fs::path file = path.lexically_normal();
    if (is_media_name(file) || is_tar_name(file)) {
      if (!named.contains(file)) context.skip(path, {remark::kNotInList, list});
    } else if (is_caption_name(file) && stems.contains(fs::path(file).replace_extension())) {
      if (captions++ == 0) example = path;
    }
  }
  if (captions > 0) {
    context.note(
        context.name_of(example),
        {remark::kCaptionsBeside,
         fmt::format("{} files are not read, the captions are those of {}", captions, list)});
  }
}

void list_of_tables(const fs::path& list, const CaptionContext& context) {
  const fs::path base = list.parent_path();
  int number = 0;
  for (const std::string& line : read_lines(list)) {
    ++number;
    if (line.empty()) continue;
    const std::size_t comma = line.rfind(',');
    if (comma == std::string::npos) {
      fail(ExitCode::kCorrupt, "{}:{}: a line must be \"folder,metadata.json\", this one is \"{}\"",
           list.string(), number, shown_name(line));
    }
    const fs::path folder = base / line.substr(0, comma);
    const fs::path table = base / line.substr(comma + 1);
    if (!look_at(folder).is_folder() || !look_at(table).is_file()) {
      fail(ExitCode::kUsage, "{}:{}: {}", list.string(), number,
           look_at(folder).is_folder() ? table.string() + " is not a file"
                                       : folder.string() + " is not a folder");
    }
    NamedFiles named;
    list_table(table, folder, context, named);
    list_unnamed(folder, table.filename().string(), named, context);
  }
}

}  // namespace muybridge
