#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace muybridge {

// What this process may use of the machine: limits of a container or a scheduler count.
struct Machine {
  std::string cpu;           // its name as the kernel gives it
  int cores = 1;             // logical processors
  std::string simd;          // instruction set that oneDNN uses here: "AVX512_CORE_BF16"
  bool native_bf16 = false;  // products of bf16 in hardware
  std::int64_t memory = 0;   // bytes
  std::int64_t memory_available = 0;
};
Machine this_machine();

// Bytes that this program has had in memory at most. What getrusage(2) tells counts the program
// that started this one, too.
std::int64_t peak_resident_bytes();

// Bytes free for this user on the disk of a folder; -1 where it cannot be told.
std::int64_t free_disk(const std::filesystem::path& folder);

std::string onednn_version();

// "2026-08-01T12:30:00Z"
std::string utc_now();

}  // namespace muybridge
