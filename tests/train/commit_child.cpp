// A process of its own that commits checkpoints, for tests that kill it or take its disk away.
//   commit_child commit FOLDER RANKS STEP   commits one step, keeping two
//   commit_child full-disk FOLDER FREE      the same for steps 1 and 2 on a small disk mounted at
//                                           FOLDER, of which FREE bytes are left before step 2
//   commit_child file-limit FOLDER BYTES    step 2 with files limited to BYTES
// Returns the exit code of the error, 0 without one, 10 when an old commit is not whole after it,
// 77 when this machine lets us mount nothing.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "core/error.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace {

using namespace muybridge;
using namespace muybridge::testing;

constexpr int kNotWhole = 10;
constexpr int kCannotMount = 77;

// The code of the error that all ranks agree on.
int commit(const std::filesystem::path& folder, int ranks, std::int64_t step) {
  try {
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      const Parameters parameters = sample_parameters();
      save_checkpoint(folder, sample_state(parameters, step, group->rank(), ranks), *group, 2);
    });
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}

bool is_whole(const std::filesystem::path& folder, std::int64_t step) {
  const Parameters parameters = sample_parameters();
  TrainState state = blank_state(parameters);
  load_checkpoint(CheckpointReader(folder / commit_name(step)), state);
  const std::string difference = difference_from_sample(state);
  std::fprintf(stderr, "%s", difference.c_str());
  return difference.empty();
}

bool mount_small_disk(const char* folder) {
  const int spaces = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  return ::unshare(spaces) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", folder, "tmpfs", 0, "size=4m") == 0;
}

void leave_free(const std::filesystem::path& folder, long bytes) {
  struct statvfs disk {};
  ::statvfs(folder.c_str(), &disk);
  const long free = static_cast<long>(disk.f_bavail * disk.f_frsize);
  std::ofstream(folder / "filler") << std::string(static_cast<std::size_t>(free - bytes), 'x');
}

int full_disk(const std::filesystem::path& folder, long free) {
  if (!mount_small_disk(folder.c_str())) return kCannotMount;
  if (const int code = commit(folder / "checkpoints", 2, 1)) return code;
  leave_free(folder, free);
  const int code = commit(folder / "checkpoints", 2, 2);
  const bool clean = !std::filesystem::exists(temporary_commit(folder / "checkpoints", 2));
  return is_whole(folder / "checkpoints", 1) && clean ? code : kNotWhole;
}

int file_limit(const std::filesystem::path& folder, long bytes) {
  if (const int code = commit(folder, 2, 1)) return code;
  const rlimit limit{static_cast<rlim_t>(bytes), RLIM_INFINITY};
  std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const int code = commit(folder, 2, 2);
  return is_whole(folder, 1) ? code : kNotWhole;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "commit" && argc == 5) return commit(argv[2], std::atoi(argv[3]), std::atol(argv[4]));
  if (mode == "full-disk" && argc == 4) return full_disk(argv[2], std::atol(argv[3]));
  if (mode == "file-limit" && argc == 4) return file_limit(argv[2], std::atol(argv[3]));
  return 2;
}
