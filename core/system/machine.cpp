#include "core/system/machine.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <sstream>
#include <system_error>
#include <thread>

namespace muybridge {
namespace {

// The text after "key" and a colon in a file such as /proc/cpuinfo; empty where there is none.
std::string line_value(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

std::int64_t memory_line(const char* path, const char* key) {  // in kB
  return std::strtoll(line_value(path, key).c_str(), nullptr, 10) * 1024;
}

// A number of a control group's file; -1 for "max" and where there is no such file.
std::int64_t group_limit(const char* path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  return file >> value ? value : -1;
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  std::ifstream quota("/sys/fs/cgroup/cpu.max");
  double share = 0, period = 0;
  if (quota >> share >> period && period > 0)
    cores = std::clamp(static_cast<int>(std::lround(share / period)), 1, cores);
  return cores;
}

std::string isa_name(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2 with VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX-512 with VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX-512 with bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX-512 with AMX";
    default:
      return "generic";
  }
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.cpu = line_value("/proc/cpuinfo", "model name");
  if (machine.cpu.empty()) machine.cpu = "unknown";
  machine.cores = usable_cores();
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  machine.simd = isa_name(isa);
  machine.native_bf16 =
      isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
  machine.memory = memory_line("/proc/meminfo", "MemTotal");
  machine.memory_available = memory_line("/proc/meminfo", "MemAvailable");
  if (const std::int64_t limit = group_limit("/sys/fs/cgroup/memory.max"); limit > 0) {
    const std::int64_t used =
        std::max<std::int64_t>(0, group_limit("/sys/fs/cgroup/memory.current"));
    machine.memory = std::min(machine.memory, limit);
    machine.memory_available =
        std::min(machine.memory_available, std::max<std::int64_t>(0, limit - used));
  }
  return machine;
}

std::int64_t peak_resident_bytes() { return memory_line("/proc/self/status", "VmHWM"); }

std::int64_t free_disk(const std::filesystem::path& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  return error ? -1 : static_cast<std::int64_t>(space.available);
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace muybridge
