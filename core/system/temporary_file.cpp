#include "core/system/temporary_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <system_error>
#include <vector>

#include "core/log.h"
#include "core/system/file.h"
#include "core/system/host_name.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".tmp";
// Of the target's name: with host, process and count the whole stays below the 255 of file systems.
constexpr std::size_t kLongestStem = 100;
constexpr std::size_t kLongestHost = 64;
constexpr auto kStale = std::chrono::hours(1);

std::string stem_of(std::string_view target) {
  return fmt::format(".{}.", target.substr(0, kLongestStem));
}

std::string this_host() { return host_name().substr(0, kLongestHost); }

// ".report.json.node-3@1234-7.tmp"
std::string unique_name(std::string_view target) {
  static std::atomic<unsigned> count{0};
  return fmt::format("{}{}@{}-{}{}", stem_of(target), this_host(), ::getpid(), ++count, kEnding);
}

// The process of this machine that made it; 0 for any other name.
pid_t owner_of(const std::string& name) {
  const std::size_t at = name.rfind('@');
  if (!name.starts_with('.') || !name.ends_with(kEnding) || at == std::string::npos ||
      !std::string_view(name).substr(0, at).ends_with(fmt::format(".{}", this_host())))
    return 0;
  pid_t pid = 0;
  std::from_chars(name.data() + at + 1, name.data() + name.size(), pid);
  return pid;
}

bool is_stale(const fs::directory_entry& entry) {
  const pid_t owner = owner_of(entry.path().filename().string());
  if (owner <= 0 || ::kill(owner, 0) == 0 || errno != ESRCH) return false;
  // A container may share the machine's name and not its processes: such a file is young.
  std::error_code error;
  const auto written = entry.last_write_time(error);
  return !error && fs::file_time_type::clock::now() - written > kStale;
}

}  // namespace

TemporaryFile::TemporaryFile(fs::path target)
    : target_(std::move(target)),
      path_(target_.parent_path() / unique_name(target_.filename().string())) {}

TemporaryFile::~TemporaryFile() {
  if (published_) return;
  std::error_code error;
  fs::remove(path_, error);
  // A disk that is read-only fails the removal also of what never was there.
  std::error_code unknown;
  if (error && fs::exists(path_, unknown))
    log_warning("{} was left behind: {}", path_.string(), error.message());
}

void TemporaryFile::publish() {
  rename_durably(path_, target_);
  published_ = true;
}

bool is_temporary_of(std::string_view name, std::string_view target) {
  return name.starts_with(stem_of(target)) && name.ends_with(kEnding);
}

void remove_stale_temporaries(const fs::path& folder) {
  std::vector<fs::path> stale;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (is_stale(*entry)) stale.push_back(entry->path());
  for (const fs::path& each : stale) {
    log_info("removing {}, left by a process that is gone", each.string());
    fs::remove(each, error);
  }
}

}  // namespace muybridge
