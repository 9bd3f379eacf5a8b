#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace muybridge {

// Compiled plans that last: a file each, whose name is the hash of what it is a plan of. Any number
// of processes may use one folder at once. A disk that fails costs a compilation, never a run, and
// is told once in a process.
class PlanFiles {
 public:
  static constexpr std::int64_t kMostBytes = std::int64_t{256} << 20;

  PlanFiles() = default;  // keeps nothing
  explicit PlanFiles(std::filesystem::path folder, std::int64_t most_bytes = kMostBytes)
      : folder_(std::move(folder)), most_bytes_(most_bytes) {}

  // The plan of exactly `identity`, as it was written; nothing where there is none or a damaged
  // one.
  std::optional<std::string> read(std::string_view identity) const;

  // Then removes the plans that were not used for longest, until the rest is `most_bytes` at most;
  // not this one, and no other file.
  void write(std::string_view identity, std::string_view plan) const;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path_of(std::string_view identity) const;

 private:
  void remove_the_oldest_but(const std::filesystem::path& newest) const;

  std::filesystem::path folder_;
  std::int64_t most_bytes_ = kMostBytes;
};

}  // namespace muybridge
