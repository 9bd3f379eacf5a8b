#include "train/records/run_folder.h"

#include <sys/utsname.h>

#include <cstdlib>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "core/system/machine.h"
#include "core/system/temporary_file.h"
#include "data/media/video_about.h"
#include "data/shards/shard_about.h"
#include "parallel/about_mpi.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;

Json describe_machine() {
  const Machine machine = this_machine();
  utsname system{};
  ::uname(&system);
  return {{"host", system.nodename},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"cpu", machine.cpu},
          {"cores", machine.cores},
          {"simd", machine.simd},
          {"memory", machine.memory}};
}

// Variables that change how a run computes or where its ranks are.
Json describe_variables() {
  Json variables = Json::object();
  for (const char* name :
       {"OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT",
        "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MALLOC_CONF", "CUDA_VISIBLE_DEVICES",
        "NCCL_DEBUG", "SLURM_JOB_ID", "SLURM_NODELIST"})
    if (const char* value = std::getenv(name)) variables[name] = value;
  return variables;
}

void require_unused(const RunFolder& folder) {
  const std::vector<Commit> commits = list_commits(folder.checkpoints());
  std::error_code error;
  const auto metrics = std::filesystem::file_size(folder.metrics(), error);
  std::string found;
  if (!commits.empty())
    found = fmt::format("commits up to step {}", commits.back().step);
  else if (!error && metrics > 0)
    found = "metrics of a run";
  if (!found.empty())
    fail(ExitCode::kUsage,
         "{} has {}, and train.resume=never begins only where there is nothing: give this run "
         "another run.name, or move that folder away; train.resume=auto would go on with it",
         folder.root.string(), found);
}

}  // namespace

std::filesystem::path RunFolder::log(int rank) const {
  return logs() / fmt::format("rank-{:04d}.log", rank);
}

std::filesystem::path RunFolder::samples(std::int64_t step) const {
  return samples() / commit_name(step);
}

FolderLock lock_run(const RunFolder& folder, double wait_seconds) {
  return {
      folder.root / ".lock", wait_seconds,
      fmt::format("{}: another process trains in this folder; wait for it, stop it, or give this "
                  "run another run.name",
                  folder.root.string())};
}

FolderLock open_run(const RunFolder& folder, bool unused, Group& group) {
  FolderLock lock;
  rank_zero(group, [&] {
    std::filesystem::create_directories(folder.root);
    lock = lock_run(folder);
    if (unused) require_unused(folder);
    for (const auto& path :
         {folder.logs(), folder.checkpoints(), folder.samples(), folder.tensorboard()})
      std::filesystem::create_directories(path);
    remove_stale_temporaries(folder.root);
    return std::string();
  });
  open_log_file(folder.log(group.rank()).string());
  return lock;
}

Json describe_environment(const std::vector<std::string>& command_line, const std::string& device,
                          const Json& layout) {
  return {{"started", utc_now()},
          {"command_line", command_line},
          {"device", device},
          {"layout", layout},
          {"versions",
           {{"muybridge", MUYBRIDGE_VERSION},
            {"compiler", __VERSION__},
            {"mpi", mpi_version()},
            {"onednn", onednn_version()},
            {"hdf5", hdf5_version()},
            {"libav", libav_version()}}},
          {"machine", describe_machine()},
          {"variables", describe_variables()}};
}

void record_run(const RunFolder& folder, const std::string& config, const Json& environment) {
  write_file_durably(folder.config(), config);
  write_file_durably(folder.environment(),
                     environment.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace muybridge
