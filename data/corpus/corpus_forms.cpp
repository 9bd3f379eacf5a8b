#include "data/corpus/corpus_forms.h"

#include <map>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "data/corpus/media_files.h"
#include "data/corpus/metadata_table.h"
#include "data/corpus/tar_members.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> read_lines(const fs::path& path) {
  std::istringstream text(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

// Paths in metadata are relative to it, or to the folder of the videos beside it.
fs::path resolve(const fs::path& folder, const std::string& path) {
  const fs::path direct = folder / path;
  if (fs::exists(direct)) return direct;
  for (const char* videos : {"videos", "video", "images"}) {
    if (fs::exists(folder / videos / path)) return folder / videos / path;
  }
  return direct;
}

}  // namespace

std::string CaptionContext::name_of(const fs::path& file) const {
  const fs::path relative = file.lexically_normal().lexically_relative(root.lexically_normal());
  return relative.empty() || *relative.begin() == ".." ? file.string() : relative.string();
}

void CaptionContext::skip(const fs::path& file, std::string why) const {
  listing.skipped.push_back({name_of(file), std::move(why)});
}

void CaptionContext::add(ClipSource clip, const Caption& caption) const {
  if (!caption.problem.empty()) {
    listing.skipped.push_back({clip.name, caption.problem});
    return;
  }
  if (!caption.note.empty()) listing.notes.push_back({clip.name, caption.note});
  clip.caption = caption.text;
  listing.clips.push_back(std::move(clip));
}

void list_pairs(const fs::path& clips, const fs::path& captions, const CaptionContext& context) {
  const auto stem_of = [](const fs::path& file, const fs::path& folder) {
    return fs::path(file.lexically_relative(folder)).replace_extension().string();
  };
  const auto rank = [](const fs::path& file) {
    return file.extension() == ".txt" ? 0 : file.extension() == ".caption" ? 1 : 2;
  };
  std::map<std::string, fs::path> caption_files;
  for (const fs::path& file : walk_files(captions)) {
    if (!is_caption_name(file)) continue;
    const auto [at, fresh] = caption_files.emplace(stem_of(file, captions), file);
    if (!fresh && rank(file) < rank(at->second)) at->second = file;
  }
  std::set<std::string> used;
  for (const fs::path& file : walk_files(clips)) {
    if (is_caption_name(file)) continue;
    if (!is_media_name(file)) {
      context.skip(file, "not a video or image, by the ending of its name");
      continue;
    }
    ClipSource clip{.file = file, .name = context.name_of(file)};
    const std::string stem = stem_of(file, clips);
    const auto found = caption_files.find(stem);
    used.insert(stem);
    context.add(std::move(clip), found == caption_files.end()
                                     ? missing_caption(context.rules)
                                     : read_caption_file(found->second, context.rules));
  }
  for (const auto& [stem, file] : caption_files) {
    if (!used.contains(stem)) context.skip(file, "a caption without a clip");
  }
}

void list_table(const fs::path& table, const fs::path& folder, const CaptionContext& context) {
  std::set<fs::path> named;
  for (const CaptionEntry& entry : read_caption_table(table, context.rules)) {
    if (!entry.problem.empty()) {
      context.listing.skipped.push_back({entry.where, entry.problem});
      continue;
    }
    const fs::path file = resolve(folder, entry.path);
    named.insert(file.lexically_normal());
    ClipSource clip{.file = file, .name = context.name_of(file)};
    clip.crop = entry.crop;
    clip.cut_first = entry.cut_first;
    clip.cut_end = entry.cut_end;
    if (!fs::exists(file)) {
      context.listing.skipped.push_back({clip.name, "not found; " + entry.where + " names it"});
      continue;
    }
    context.add(std::move(clip), entry.caption);
  }
  for (const fs::path& file : walk_files(folder)) {
    if (is_media_name(file) && !named.contains(file.lexically_normal())) {
      context.skip(file, table.filename().string() + " does not name it");
    }
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
           list.string(), number, line);
    }
    const fs::path folder = base / line.substr(0, comma);
    const fs::path table = base / line.substr(comma + 1);
    if (!fs::is_directory(folder) || !fs::is_regular_file(table)) {
      fail(ExitCode::kUsage, "{}:{}: {} is not {}", list.string(), number,
           fs::is_directory(folder) ? table.string() : folder.string(),
           fs::is_directory(folder) ? "a file" : "a folder");
    }
    list_table(table, folder, context);
  }
}

void list_lines(const fs::path& videos, const fs::path& prompts, const CaptionContext& context) {
  const std::vector<std::string> paths = read_lines(videos);
  const std::vector<std::string> captions = read_lines(prompts);
  if (paths.size() != captions.size()) {
    fail(ExitCode::kCorrupt, "{} has {} lines and {} has {}; they must match line by line",
         videos.string(), paths.size(), prompts.string(), captions.size());
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (paths[i].empty() && captions[i].empty()) continue;
    const fs::path file = resolve(videos.parent_path(), paths[i]);
    ClipSource clip{.file = file, .name = context.name_of(file)};
    if (paths[i].empty() || !fs::exists(file)) {
      context.skip(file,
                   fmt::format("not found; {}:{} names it", videos.filename().string(), i + 1));
      continue;
    }
    context.add(std::move(clip), clean_caption(captions[i], context.rules));
  }
}

void list_archive(const fs::path& archive, const CaptionContext& context) {
  struct Sample {
    std::vector<ClipSource> clips;
    Caption caption;
    int caption_rank = 9;
  };
  constexpr std::size_t kMostCaption = std::size_t{1} << 20;
  const std::string base = context.name_of(archive);
  std::vector<std::string> order;
  std::map<std::string, Sample> samples;
  const auto visit = [&](const TarMember& member) {
    const fs::path name = member.name;
    const std::string file_name = name.filename().string();
    if (file_name.empty() || file_name.front() == '.') return;
    const std::string stem =
        (name.parent_path() / file_name.substr(0, file_name.find('.'))).string();
    const bool media = is_media_name(name);
    if (!media && !is_caption_name(name)) return;
    const auto [at, fresh] = samples.try_emplace(stem);
    if (fresh) order.push_back(stem);
    Sample& sample = at->second;
    if (media) {
      sample.clips.push_back(
          {.file = archive, .member = member.index, .name = base + "/" + member.name});
      return;
    }
    const int rank = name.extension() == ".json" ? 1 : 0;
    if (rank >= sample.caption_rank) return;
    sample.caption_rank = rank;
    const std::optional<std::string> text = member.read(kMostCaption);
    if (!text) {
      sample.caption = {.text = {}, .problem = "its caption is damaged", .note = {}};
    } else {
      sample.caption = rank == 1 ? parse_caption_json(*text, context.rules)
                                 : clean_caption(*text, context.rules);
    }
  };
  std::string damage;
  try {
    damage = visit_tar(archive, visit);
  } catch (const Error& error) {
    if (error.code() != ExitCode::kCorrupt) throw;
    context.skip(archive, error.what());
    return;
  }
  for (const std::string& stem : order) {
    const Sample& sample = samples.at(stem);
    if (sample.clips.empty()) {
      context.listing.skipped.push_back({base + "/" + stem, "a caption without a clip"});
    }
    for (const ClipSource& clip : sample.clips) {
      context.add(clip, sample.caption_rank == 9 ? missing_caption(context.rules) : sample.caption);
    }
  }
  if (!damage.empty()) {
    context.skip(archive, "the archive breaks off, its last members are missing: " + damage);
  }
}

}  // namespace muybridge
