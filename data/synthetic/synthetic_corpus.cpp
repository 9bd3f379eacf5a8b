#include "data/synthetic/synthetic_corpus.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/system/file.h"
#include "core/system/file_handle.h"
#include "data/media/video_writer.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string_view folder_of(Split split) { return split == Split::kTrain ? "train" : "validation"; }

// What makes the clips what they are; all calls on one folder must agree on it.
Json settings_of(const CorpusPlan& plan) {
  return {{"kind", name_of(plan.kind)}, {"width", plan.clip.width},
          {"height", plan.clip.height}, {"frames", plan.clip.frames},
          {"fps", plan.clip.fps},       {"two_shapes", plan.clip.two_shapes},
          {"seed", plan.seed},          {"crf", plan.crf}};
}

Json read_settings(const fs::path& path) {
  const Json json = Json::parse(read_file(path), nullptr, false);
  if (!json.is_object() || !json.contains("settings") || !json["settings"].is_object() ||
      !json.contains("train") || !json["train"].is_number_integer() ||
      !json.contains("validation") || !json["validation"].is_number_integer()) {
    fail(ExitCode::kCorrupt,
         "{}: not what `corpus make` writes; remove the folder and make it again", path.string());
  }
  return json;
}

// Creates the folder, or makes sure that it is one that this plan may go on with.
void claim_folder(const CorpusPlan& plan, const fs::path& out) {
  const fs::path about = out / ".corpus.json";
  const Json settings = settings_of(plan);
  if (fs::exists(about)) {
    const Json there = read_settings(about);
    for (const auto& [key, value] : settings.items()) {
      const Json other = there["settings"].value(key, Json());
      if (other == value) continue;
      fail(ExitCode::kUsage,
           "{}: holds a corpus with {} {}, not {}; give another folder or the same "
           "options",
           out.string(), key, other.dump(), value.dump());
    }
    if (there["train"] > plan.train || there["validation"] > plan.validation) {
      fail(
          ExitCode::kUsage,
          "{}: holds {} + {} clips already, {} + {} are asked for; give another folder or at least "
          "as many",
          out.string(), there["train"].dump(), there["validation"].dump(), plan.train,
          plan.validation);
    }
  } else if (fs::exists(out) && (!fs::is_directory(out) || !fs::is_empty(out))) {
    fail(ExitCode::kUsage, "{}: is there and is no corpus of ours; give a new or empty folder",
         out.string());
  }
  std::error_code error;
  for (const Split split : {Split::kTrain, Split::kValidation}) {
    fs::create_directories(out / folder_of(split), error);
    if (error) fail_errno("mkdir(" + (out / folder_of(split)).string() + ")", error.value());
    for (const fs::directory_entry& entry : fs::directory_iterator(out / folder_of(split))) {
      if (entry.path().extension() == ".part") fs::remove(entry.path());  // of a killed call
    }
  }
  const Json about_json = {
      {"settings", settings}, {"train", plan.train}, {"validation", plan.validation}};
  write_file_durably(about, about_json.dump(2) + "\n");
}

bool is_filled(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return !error && size > 0;
}

void write_text(const fs::path& path, const std::string& text) {
  FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) fail_errno("open(" + path.string() + ")", errno);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    fail_errno("write(" + path.string() + ")", written < 0 ? errno : ENOSPC);
  }
}

// True if the clip had to be made. The video comes last: where it is, its caption is too.
bool make_clip(const CorpusPlan& plan, const fs::path& out, Split split, std::int64_t number) {
  const fs::path stem = out / folder_of(split) / fmt::format("{:06}", number);
  const fs::path video = stem.string() + ".mp4", text = stem.string() + ".txt";
  if (is_filled(video) && is_filled(text)) return false;
  const SyntheticClip clip =
      synthesize(plan.kind, plan.clip, plan.seed, split, static_cast<std::uint64_t>(number));
  write_text(text, clip.caption + "\n");
  write_video(video, clip.frames, {.fps = plan.clip.fps, .crf = plan.crf, .comment{}, .encoder{}});
  return true;
}

// One flush for all files; an fsync a clip would take longer than the clip.
void flush(const fs::path& out) {
  const FileHandle folder = open_to_read(out);
  if (::syncfs(folder.get()) != 0) fail_errno("syncfs(" + out.string() + ")", errno);
}

}  // namespace

CorpusReport make_corpus(const CorpusPlan& plan, const fs::path& out,
                         const std::function<void(std::int64_t, std::int64_t)>& progress) {
  if (plan.train < 1 || plan.validation < 0) {
    fail(ExitCode::kUsage, "{} + {} clips make no corpus; ask for 1 or more to train on",
         plan.train, plan.validation);
  }
  synthesize(plan.kind, plan.clip, plan.seed, Split::kTrain, 0);  // throws for impossible options
  claim_folder(plan, out);

  const std::int64_t total = plan.train + plan.validation;
  std::atomic<std::int64_t> next = 0;
  std::mutex mutex;  // guards what follows
  CorpusReport report;
  std::exception_ptr error;
  const auto work = [&] {
    for (std::int64_t item = next++; item < total; item = next++) {
      try {
        const bool training = item < plan.train;
        const bool made = make_clip(plan, out, training ? Split::kTrain : Split::kValidation,
                                    training ? item : item - plan.train);
        const std::lock_guard lock(mutex);
        ++(made ? report.made : report.kept);
        if (progress) progress(report.made + report.kept, total);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next = total;
      }
    }
  };
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads = plan.threads > 0 ? plan.threads : cores;
  {
    std::vector<std::jthread> workers;
    for (int i = 1; i < threads && i < total; ++i) workers.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
  if (report.made > 0) flush(out);
  return report;
}

}  // namespace muybridge
