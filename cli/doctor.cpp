#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "core/cuda/runtime.h"
#include "core/system/machine.h"
#include "core/system/plan_folder.h"
#include "data/media/video_about.h"
#include "data/shards/shard_about.h"
#include "parallel/about_mpi.h"
#include "parallel/nccl_groups.h"

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

std::string in_gib(std::int64_t bytes) {
  return bytes < 0 ? "unknown" : fmt::format("{:.1f} GiB", static_cast<double>(bytes) / kGiB);
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

struct Finding {
  std::string key;   // of the JSON
  std::string name;  // for people
  Json value;
  std::string text;    // the value for people
  std::string advice;  // empty: nothing to do
};

std::vector<Finding> examine(const std::filesystem::path& folder) {
  const Machine machine = this_machine();
  std::vector<Finding> found;
  const auto add = [&](std::string key, std::string name, Json value, std::string text,
                       std::string advice = "") {
    found.push_back(
        {std::move(key), std::move(name), std::move(value), std::move(text), std::move(advice)});
  };

  add("version", "Muybridge", MUYBRIDGE_VERSION, MUYBRIDGE_VERSION);
  add("cpu", "processor", machine.cpu, machine.cpu);
  add("cores", "cores", machine.cores,
      fmt::format("{} logical, usable by this process", machine.cores),
      machine.cores > 1 ? ""
                        : "with one core training is slow; if this is a container, give it more");
  add("simd", "instructions", machine.simd, machine.simd,
      machine.native_bf16 ? "train.precision=bf16 is computed in hardware here: try it, it may be "
                            "twice as fast as f32"
                          : "bf16 is not computed in hardware here: keep train.precision=f32");
  add("memory", "memory", machine.memory, in_gib(machine.memory));
  add("memory_available", "  available", machine.memory_available, in_gib(machine.memory_available),
      machine.memory_available >= 4 * kGiB
          ? ""
          : "less than 4 GiB are free: lower batch.tokens or set model.recompute=block");
  const std::int64_t disk = free_disk(folder);
  add("disk_available", "disk", disk, in_gib(disk) + " free in " + folder.string(),
      disk >= 10 * kGiB ? "" : "less than 10 GiB are free: corpora and checkpoints may not fit");
  const std::int64_t shared = free_disk("/dev/shm");
  add("shared_memory", "shared memory", shared, in_gib(shared) + " free in /dev/shm",
      shared >= kGiB / 4
          ? ""
          : "ranks on one machine talk through /dev/shm: in a container, start it with "
            "--shm-size=1g");

  const std::string cuda = cuda::summary();
  add("cuda", "CUDA", cuda, cuda,
      cuda::available() ? "only an emulated device has run this program's CUDA side so far: hold "
                          "what device: cuda gives against device: cpu"
                        : "");
  if (const std::string plans = plan_folder(); cuda::available())
    add("plans", "  plans", plans, plans.empty() ? "kept nowhere" : "kept in " + plans,
        plans.empty() ? "cuDNN compiles its plans in every run: set HOME or XDG_CACHE_HOME" : "");
  const std::string nccl = nccl_summary();
  add("nccl", "NCCL", nccl, nccl,
      cuda::available() && !nccl.starts_with("NCCL")
          ? "ranks on devices of their own need it: install libnccl2, or set device: shared-cuda"
          : "");

  const std::string mpirun = find_program("mpirun");
  add("mpi", "MPI", mpi_version(), mpi_version());
  add("mpirun", "mpirun", mpirun, mpirun.empty() ? "not in PATH" : mpirun,
      mpirun.empty() ? "install openmpi-bin to train on several cores or machines" : "");
  if (::geteuid() == 0 && std::getenv("OMPI_ALLOW_RUN_AS_ROOT") == nullptr)
    add("root", "user", true, "root",
        "mpirun refuses root: export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
  add("onednn", "oneDNN", onednn_version(), onednn_version());
  add("hdf5", "HDF5", hdf5_version(), hdf5_version());
  add("libav", "libav", libav_version(), libav_version());
  const std::vector<std::string> encoders = h264_encoders();
  add("h264_encoders", "H.264 encoders", encoders,
      encoders.empty() ? "none" : fmt::format("{}", fmt::join(encoders, ", ")),
      encoders.empty()
          ? "clips will be written as MPEG-4, which some browsers do not play; install "
            "a libavcodec with libx264"
          : "");
  return found;
}

void print_for_people(const std::vector<Finding>& findings) {
  for (const Finding& each : findings) fmt::print("{:<16} {}\n", each.name, each.text);
  fmt::print("\nAdvice\n");
  for (const Finding& each : findings)
    if (!each.advice.empty()) fmt::print("- {}: {}\n", each.name, each.advice);
  fmt::print("- Try it all: ./launch/demo.sh trains a small model and shows its clips.\n");
}

void print_as_json(const std::vector<Finding>& findings) {
  Json out = Json::object();
  Json advice = Json::array();
  for (const Finding& each : findings) {
    out[each.key] = each.value;
    if (!each.advice.empty()) advice.push_back(each.advice);
  }
  out["advice"] = advice;
  fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void add_doctor_command(const Command& program) {
  struct Arguments {
    bool json = false;
    std::string folder = ".";
  };
  auto arguments = std::make_shared<Arguments>();
  const Command command =
      program.add_command("doctor", "Say what this machine has, and what to do about it");
  command.add_flag("--json", arguments->json, "Print one JSON object");
  command.add_option("--folder", arguments->folder, "Folder whose disk is looked at")
      .existing_folder()
      .show_default();
  command.footer(R"(Examples:
  muybridge doctor
  muybridge doctor --folder runs --json)");
  command.run([arguments] {
    const std::vector<Finding> findings = examine(arguments->folder);
    arguments->json ? print_as_json(findings) : print_for_people(findings);
  });
}

}  // namespace muybridge
