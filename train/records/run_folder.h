#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/system/folder_lock.h"
#include "parallel/group.h"

namespace muybridge {

// Where a run keeps what (the paths need not exist).
struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path config() const { return root / "config.yaml"; }
  std::filesystem::path environment() const { return root / "environment.json"; }
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path tensorboard() const { return root / "tensorboard"; }
  std::filesystem::path logs() const { return root / "logs"; }
  std::filesystem::path log(int rank) const;  // logs/rank-0000.log
  std::filesystem::path trace() const { return root / "trace"; }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path samples() const { return root / "samples"; }
  std::filesystem::path samples(std::int64_t step) const;  // samples/step-00012000
  std::filesystem::path gallery() const { return root / "index.html"; }
  std::filesystem::path report() const { return root / "report.json"; }
};

// Held while a run trains: a second process on the same folder would destroy its records. Throws
// Error(kUsage) when another process holds it for longer than `wait_seconds`: ranks of a killed job
// may take a moment to die.
FolderLock lock_run(const RunFolder& folder, double wait_seconds = 10);

// Makes the folders and opens this rank's log file. Throws Error(kUsage), and changes nothing,
// where the folder must be `unused` and a run has left commits or metrics in it. Collective; the
// lock of rank 0 holds.
FolderLock open_run(const RunFolder& folder, bool unused, Group& group);

// What environment.json holds: versions, this machine, variables that matter, and the arguments.
// `device` is what ranks compute on, `layout` says how they are arranged.
nlohmann::ordered_json describe_environment(const std::vector<std::string>& command_line,
                                            const std::string& device,
                                            const nlohmann::ordered_json& layout);

// Writes config.yaml and environment.json, durably.
void record_run(const RunFolder& folder, const std::string& config,
                const nlohmann::ordered_json& environment);

}  // namespace muybridge
