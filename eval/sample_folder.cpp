#include "eval/sample_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "core/system/folder_lock.h"
#include "core/system/host_name.h"
#include "eval/sample_page.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFile = "samples.json";
constexpr double kLockSeconds = 60;

Json to_json(const CollectedClip& clip) {
  Json json = to_json(clip.record);
  json["model"] = clip.model;
  json["step"] = clip.step;
  json["checkpoint"] = clip.checkpoint;
  json["settings"] = clip.settings;
  json["made"] = clip.made;
  return json;
}

CollectedClip clip_from(const Json& json) {
  return {.record = sample_record_from(json),
          .model = json.at("model").get<std::string>(),
          .step = json.at("step").get<std::int64_t>(),
          .checkpoint = json.at("checkpoint").get<std::string>(),
          .settings = json.at("settings").get<std::string>(),
          .made = json.at("made").get<std::string>()};
}

void require_own(const fs::path& path) {
  const auto is_run = [](const fs::path& each) {
    return fs::exists(each / "checkpoints") || fs::exists(each / "metrics.jsonl");
  };
  const fs::path whole = fs::weakly_canonical(path);
  if (whole.filename() == "samples" && is_run(whole.parent_path()))
    fail(ExitCode::kUsage, "{} is where a run keeps its own samples; give another folder: --out {}",
         path.string(), (whole.parent_path() / "clips").string());
  if (is_run(path))
    fail(ExitCode::kUsage, "{} is a run's folder; give the clips a folder of their own: --out {}",
         path.string(), (path / "clips").string());
  const fs::path page = path / "index.html";
  if (fs::exists(page) && !fs::exists(path / kFile))
    fail(ExitCode::kUsage, "{} is no page of muybridge; give the clips another folder with --out",
         page.string());
}

constexpr std::string_view kWorkbench = ".sampling-";

// Its name says whose it is.
fs::path make_workbench(const fs::path& path) {
  std::string name =
      (path / fmt::format("{}{}@{}-XXXXXX", kWorkbench, ::getpid(), host_name())).string();
  if (::mkdtemp(name.data()) == nullptr) fail_errno("mkdtemp(" + name + ")", errno);
  return name;
}

// Those of processes that were killed on this machine.
void remove_abandoned_workbenches(const fs::path& path) {
  std::vector<fs::path> abandoned;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kWorkbench)) continue;
    const std::string owner = name.substr(kWorkbench.size());
    const std::size_t at = owner.find('@'), end = owner.rfind('-');
    if (at == std::string::npos || end == std::string::npos || end < at) continue;
    if (owner.substr(at + 1, end - at - 1) != host_name()) continue;
    const pid_t process = std::atoi(owner.c_str());
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) abandoned.push_back(entry.path());
  }
  for (const fs::path& each : abandoned) {
    std::error_code error;
    fs::remove_all(each, error);
    if (error) log_warning("{}: {}", each.string(), error.message());
  }
}

bool is_taken(const fs::path& folder, const std::string& stem) {
  return fs::exists(folder / (stem + ".mp4")) || fs::exists(folder / (stem + ".gif")) ||
         fs::exists(folder / stem);
}

std::string free_stem(const fs::path& folder, const std::string& stem) {
  std::string name = stem;
  for (int number = 2; is_taken(folder, name); ++number) name = fmt::format("{}-{}", stem, number);
  return name;
}

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail_errno(fmt::format("rename({}, {})", from.string(), to.string()), error.value());
}

// Gives the files of a clip their names in the folder.
void settle(const fs::path& workbench, const fs::path& folder, const std::string& stem,
            SampleRecord& record) {
  const auto rename = [&](std::string& file, const std::string& ending) {
    if (file.empty()) return;
    move_to(workbench / file, folder / (stem + ending));
    file = stem + ending;
  };
  rename(record.file, ".mp4");
  rename(record.gif, ".gif");
  rename(record.frames, "");
}

void remove_clip(const fs::path& folder, const std::string& stem) {
  for (const char* ending : {".mp4", ".gif", ""}) fs::remove_all(folder / (stem + ending));
}

void write_collection(const fs::path& folder, const std::vector<CollectedClip>& clips) {
  Json rows = Json::array();
  for (const CollectedClip& clip : clips) rows.push_back(to_json(clip));
  const Json json = {{"generator", "muybridge " MUYBRIDGE_VERSION},
                     {"ai_generated", true},
                     {"collection", true},
                     {"clips", rows}};
  write_file_durably(folder / kFile,
                     json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

SampleFolder::SampleFolder(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  if (path_.empty() || (fs::exists(path_, error) && !fs::is_directory(path_, error)))
    fail(ExitCode::kUsage,
         "--out '{}': this is no folder; name one, which is made where there is none",
         path_.string());
  fs::create_directories(path_, error);
  if (error) fail_errno("mkdir(" + path_.string() + ")", error.value());
  require_own(path_);
  read_collection(path_);
  remove_abandoned_workbenches(path_);
  workbench_ = make_workbench(path_);
}

SampleFolder::~SampleFolder() {
  std::error_code error;
  fs::remove_all(workbench_, error);
  std::error_code unknown;
  if (error && fs::exists(workbench_, unknown))
    log_warning("{} was left behind: {}", workbench_.string(), error.message());
}

std::vector<CollectedClip> SampleFolder::add(std::vector<CollectedClip> clips, bool overwrite) {
  const FolderLock lock(path_ / ".lock", kLockSeconds,
                        path_.string() + ": another process writes there; try again later");
  std::vector<CollectedClip> all = read_collection(path_);
  for (CollectedClip& clip : clips) {
    std::string stem = fs::path(clip.record.file).stem().string();
    if (overwrite)
      remove_clip(path_, stem);
    else
      stem = free_stem(path_, stem);
    settle(workbench_, path_, stem, clip.record);
    std::erase_if(all,
                  [&](const CollectedClip& old) { return old.record.file == clip.record.file; });
    all.push_back(clip);
  }
  write_collection(path_, all);
  write_sample_page(path_, all);
  return clips;
}

std::vector<CollectedClip> read_collection(const fs::path& folder) {
  if (!fs::exists(folder / kFile)) return {};
  std::vector<CollectedClip> clips;
  const std::string text = read_file(folder / kFile);
  try {
    const Json json = Json::parse(text);
    if (!json.contains("collection"))
      fail(ExitCode::kUsage,
           "{} holds the clips of an evaluation; give yours another folder with --out",
           folder.string());
    for (const Json& row : json.at("clips")) {
      CollectedClip clip = clip_from(row);
      if (fs::exists(folder / clip.record.file)) clips.push_back(std::move(clip));
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {  // of the JSON library, or of a record
    fail(ExitCode::kCorrupt, "{}: {}; move it away, or give another folder with --out",
         (folder / kFile).string(), error.what());
  }
  return clips;
}

}  // namespace muybridge
