#include "train/checkpoint/checkpoint_folder.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "core/system/temporary_file.h"
#include "core/text/nearest_path.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint_reader.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kLatest = "latest";

// -1 for a name that is not a commit's.
std::int64_t step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return -1;
  std::int64_t step = -1;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step);
  return step >= 0 && commit_name(step) == name ? step : -1;
}

bool is_leftover(const std::string& name) {
  return (name.starts_with(".step-") && name.ends_with(".tmp")) || is_temporary_of(name, kLatest);
}

// Under a name that nobody reads first: a crash must not leave half of a commit.
void remove_commit(const fs::path& commit) {
  const fs::path condemned =
      commit.parent_path() / fmt::format(".{}.old.tmp", commit.filename().string());
  fs::remove_all(condemned);
  rename_durably(commit, condemned);
  fs::remove_all(condemned);
}

enum class Finding : std::uint8_t { kWhole, kDamaged, kGone };

// Whether the commit verifies; `why` says why not. The same on all ranks.
Finding examine(const fs::path& commit, Group& group, std::string& why) {
  try {
    together(group, [&] {
      CheckpointReader(commit).verify(group.rank(), group.size());
      return std::string();
    });
    return Finding::kWhole;
  } catch (const Error& error) {
    if (error.code() != ExitCode::kCorrupt && error.code() != ExitCode::kIo) throw;
    why = error.what();
    const std::string gone =
        rank_zero(group, [&] { return std::string(was_removed(commit) ? "gone" : ""); });
    if (!gone.empty()) return Finding::kGone;
    if (error.code() == ExitCode::kIo) throw;
    return Finding::kDamaged;
  }
}

// Newest first, as rank 0 sees the folder.
std::vector<fs::path> commits_newest_first(const fs::path& checkpoints, Group& group) {
  const std::string names = rank_zero(group, [&] {
    std::string list;
    for (const Commit& commit : list_commits(checkpoints))
      list.insert(0, commit.path.filename().string() + "\n");
    return list;
  });
  std::vector<fs::path> commits;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = names.find('\n', begin);
    commits.push_back(checkpoints / names.substr(begin, end - begin));
    begin = end + 1;
  }
  return commits;
}

}  // namespace

std::string commit_name(std::int64_t step) { return fmt::format("{}{:08d}", kPrefix, step); }

std::vector<Commit> list_commits(const fs::path& checkpoints) {
  std::vector<Commit> commits;
  if (!fs::is_directory(checkpoints)) return commits;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints))
    if (const std::int64_t step = step_of(entry.path().filename()); step >= 0)
      commits.push_back({entry.path(), step});
  std::ranges::sort(commits, {}, &Commit::step);
  return commits;
}

fs::path temporary_commit(const fs::path& checkpoints, std::int64_t step) {
  return checkpoints / fmt::format(".{}.tmp", commit_name(step));
}

void publish_commit(const fs::path& checkpoints, std::int64_t step) {
  const fs::path temporary = temporary_commit(checkpoints, step);
  const fs::path target = checkpoints / commit_name(step);
  if (fs::exists(target)) {
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
      sync_path(checkpoints);
      return;
    }
    // Some network file systems cannot exchange; the commits before are still there.
    if (errno != EINVAL && errno != ENOSYS)
      fail_errno("renameat2(" + temporary.string() + ", " + target.string() + ")", errno);
    remove_commit(target);
  }
  rename_durably(temporary, target);
}

void settle_commit(const fs::path& checkpoints, std::int64_t step, int keep) {
  write_file_durably(checkpoints / kLatest, commit_name(step) + "\n");
  fs::remove_all(temporary_commit(checkpoints, step));
  std::vector<Commit> commits = list_commits(checkpoints);
  std::erase_if(commits, [&](const Commit& commit) { return commit.step > step; });
  const auto surplus = static_cast<std::ptrdiff_t>(commits.size()) - std::max(keep, 1);
  for (std::ptrdiff_t i = 0; i < surplus; ++i) remove_commit(commits[i].path);
}

void remove_leftovers(const fs::path& checkpoints) {
  if (!fs::is_directory(checkpoints)) return;
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints))
    if (is_leftover(entry.path().filename())) leftovers.push_back(entry.path());
  for (const fs::path& leftover : leftovers) {
    log_info("removing {}, left by a commit that was cut off", leftover.string());
    fs::remove_all(leftover);
  }
}

void set_aside(const fs::path& commit, const std::string& why) {
  const fs::path target = commit.string() + "." + why;
  fs::remove_all(target);
  rename_durably(commit, target);
  log_warning("{} is now {}", commit.string(), target.filename().string());
}

bool was_removed(const fs::path& commit) {
  const std::vector<Commit> commits = list_commits(commit.parent_path());
  return !fs::exists(commit / "manifest.json") && !commits.empty() &&
         commits.back().step > step_of(commit.filename());
}

std::optional<fs::path> find_newest_commit(const fs::path& checkpoints, Group& group) {
  const std::vector<fs::path> commits = commits_newest_first(checkpoints, group);
  std::string why, damaged;
  for (const fs::path& commit : commits) {
    switch (examine(commit, group, why)) {
      case Finding::kWhole:
        if (!damaged.empty() && group.rank() == 0)
          log_warning("{}; {} is taken instead", damaged, commit.filename().string());
        return commit;
      case Finding::kDamaged:
        damaged += (damaged.empty() ? "" : "; ") + why;
        break;
      case Finding::kGone:
        return find_newest_commit(checkpoints, group);
    }
  }
  if (commits.empty()) return std::nullopt;
  fail(ExitCode::kCorrupt,
       "{}: none of the {} commits verifies, the oldest because: {}; restore one from a copy, or "
       "move the folder away to start anew",
       checkpoints.string(), commits.size(), why);
}

std::optional<fs::path> prepare_resume(const fs::path& checkpoints, Group& group) {
  rank_zero(group, [&] {
    remove_leftovers(checkpoints);
    return std::string();
  });
  const std::optional<fs::path> newest = find_newest_commit(checkpoints, group);
  if (!newest) return newest;
  rank_zero(group, [&] {
    const std::int64_t step = step_of(newest->filename());
    for (const Commit& commit : list_commits(checkpoints))
      if (commit.step > step) set_aside(commit.path, "damaged");
    return std::string();
  });
  return newest;
}

fs::path resolve_commit(const fs::path& path, Group& group) {
  // Rank 0 says for all whether this is a commit; whoever does not see it finds out on opening it.
  const bool is_commit = !rank_zero(group, [&] {
                            return std::string(fs::exists(path / "manifest.json") ? "yes" : "");
                          }).empty();
  if (is_commit) return path;
  for (const fs::path& folder : {path / "checkpoints", path})
    if (const std::optional<fs::path> newest = find_newest_commit(folder, group)) return *newest;
  const auto is_run = [](const fs::path& each) {
    return fs::is_directory(each / "checkpoints") || fs::exists(each / "manifest.json");
  };
  if (fs::is_directory(path / "checkpoints"))
    fail(ExitCode::kUsage, "{}: this run has no commit yet; train it to one first", path.string());
  fail(ExitCode::kUsage,
       "{}: no checkpoint there; give a run's folder, or a commit such as "
       "runs/x/checkpoints/step-00012000{}",
       path.string(), did_you_mean(path, is_run, {"runs"}));
}

}  // namespace muybridge
