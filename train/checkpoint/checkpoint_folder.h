#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "parallel/group.h"

// A run's folder `checkpoints`: commits `step-00012000`, and `latest`, a text file that names the
// newest. What begins with a dot is unfinished or condemned, and nobody reads it.
namespace muybridge {

struct Commit {
  std::filesystem::path path;
  std::int64_t step = 0;
};

std::string commit_name(std::int64_t step);

// Oldest first; empty where there is no such folder. Says nothing about damage.
std::vector<Commit> list_commits(const std::filesystem::path& checkpoints);

// Where the next commit of that step is prepared: CHECKPOINTS/.step-00012000.tmp
std::filesystem::path temporary_commit(const std::filesystem::path& checkpoints, std::int64_t step);

// Puts the finished temporary commit in its place, in one step that a crash cannot split. One of
// the same step that is there already takes its name in exchange; a second call undoes that.
void publish_commit(const std::filesystem::path& checkpoints, std::int64_t step);

// For a published commit that was re-read: moves `latest`, then removes all but the newest `keep`
// commits up to `step`.
void settle_commit(const std::filesystem::path& checkpoints, std::int64_t step, int keep);

// Removes what killed commits left behind.
void remove_leftovers(const std::filesystem::path& checkpoints);

// Takes a commit out of the way under another name: step-00012000.damaged
void set_aside(const std::filesystem::path& commit, const std::string& why);

// The newest commit whose every byte verifies, with a warning for each newer one that does not; one
// that a running training removes meanwhile is not missed. Nothing where there are no commits;
// Error(kCorrupt) where there are and all are damaged. Collective: ranks share the reading evenly,
// whatever number of files there are.
std::optional<std::filesystem::path> find_newest_commit(const std::filesystem::path& checkpoints,
                                                        Group& group);

// What `resume: auto` starts from: find_newest_commit after remove_leftovers; damaged commits newer
// than it are set aside. Collective.
std::optional<std::filesystem::path> prepare_resume(const std::filesystem::path& checkpoints,
                                                    Group& group);

// Whether a commit that cannot be read any more went by itself: its run has newer ones.
bool was_removed(const std::filesystem::path& commit);

// The commit that a user means by a commit's folder, a run's folder or its `checkpoints`. Throws
// Error(kUsage) where there is none. Collective.
std::filesystem::path resolve_commit(const std::filesystem::path& path, Group& group);

}  // namespace muybridge
