#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/system/file_handle.h"

namespace muybridge {

// A file inside a tar archive, which may be compressed. `read` gives at most so many bytes of it,
// nothing if they are damaged.
struct TarMember {
  std::int64_t index = 0;  // of all entries of the archive
  std::string name;
  std::uint64_t bytes = 0;
  bool is_link = false;  // to another member or elsewhere: it has no bytes of its own
  std::function<std::optional<std::string>(std::size_t most)> read;  // valid during the visit
};

// Visits the regular files and the links of an archive in order. Returns why the archive ends
// early; empty if it is whole. Throws Error: kCorrupt if it is no archive or may not be opened, kIo
// for what the machine lacks.
std::string visit_tar(const std::filesystem::path& path,
                      const std::function<void(const TarMember&)>& visit);

// Takes members out of archives. Fast as long as they are asked for in the order of the archive.
class TarExtractor {
 public:
  // Members go to nameless files in `scratch`, which vanish with their handle.
  explicit TarExtractor(std::filesystem::path scratch);
  ~TarExtractor();

  // Throws Error: kCorrupt if the member is damaged or not there, kIo if it cannot be written.
  FileHandle extract(const std::filesystem::path& path, std::int64_t index);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace muybridge
