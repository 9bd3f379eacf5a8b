#include "core/system/plan_files.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

#include "core/system/file.h"
#include "core/system/say_once.h"
#include "core/system/temporary_file.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// A file is this line, the hash of what follows it, and that: identity, a zero byte, plan.
constexpr std::string_view kMagic = "muybridge plan 1\n";
constexpr std::size_t kHashDigits = 32;

std::string file_of(std::string_view identity, std::string_view plan) {
  std::string content;
  content.append(identity).append(1, '\0').append(plan);
  return std::string(kMagic) + hash_bytes(content.data(), content.size()) + content;
}

bool is_plan(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  std::error_code gone;
  return name.size() == kHashDigits &&
         name.find_first_not_of("0123456789abcdef") == std::string::npos &&
         entry.is_regular_file(gone);
}

// The plan in a file of `identity`, or nothing.
std::optional<std::string> plan_in(const std::string& file, std::string_view identity) {
  const std::size_t before_plan = file_of(identity, "").size();
  if (file.size() < before_plan) return {};
  std::string plan = file.substr(before_plan);
  if (file != file_of(identity, plan)) return {};
  return plan;
}

}  // namespace

fs::path PlanFiles::path_of(std::string_view identity) const {
  return folder_ / hash_bytes(identity.data(), identity.size());
}

std::optional<std::string> PlanFiles::read(std::string_view identity) const {
  static std::atomic<bool> said_damaged, said_unreadable;
  if (folder_.empty()) return {};
  const fs::path path = path_of(identity);
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  try {
    std::optional<std::string> plan = plan_in(read_file(path), identity);
    if (plan)
      fs::last_write_time(path, fs::file_time_type::clock::now(), error);  // of its last use
    else
      say_once(said_damaged, "a compiled plan is damaged, it is compiled anew", path.string());
    return plan;
  } catch (const std::exception& failure) {
    if (!fs::exists(path, error)) return {};  // another process just made room
    say_once(said_unreadable, "a compiled plan could not be read, it is compiled anew",
             failure.what());
  }
  return {};
}

void PlanFiles::write(std::string_view identity, std::string_view plan) const {
  static std::atomic<bool> said;
  if (folder_.empty()) return;
  try {
    fs::create_directories(folder_);
    remove_stale_temporaries(folder_);
    const fs::path path = path_of(identity);
    write_file_durably(path, file_of(identity, plan));
    remove_the_oldest_but(path);
  } catch (const std::exception& failure) {
    say_once(said, "a compiled plan could not be kept, the next run compiles it again",
             failure.what());
  }
}

void PlanFiles::remove_the_oldest_but(const fs::path& newest) const {
  struct Plan {
    fs::file_time_type used;
    fs::path path;
    std::int64_t bytes;
  };
  std::vector<Plan> plans;
  std::int64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;  // another process may have removed it
    const auto bytes = static_cast<std::int64_t>(entry->file_size(gone));
    if (gone || !is_plan(*entry)) continue;
    total += bytes;
    const fs::file_time_type used = entry->last_write_time(gone);
    if (!gone && entry->path() != newest) plans.push_back({used, entry->path(), bytes});
  }
  std::ranges::sort(plans, {}, &Plan::used);
  for (const Plan& each : plans) {
    if (total <= most_bytes_) return;
    fs::remove(each.path, error);
    if (!error) total -= each.bytes;
  }
}

}  // namespace muybridge
