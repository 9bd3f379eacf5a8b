#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muybridge {

// CRC-32C (Castagnoli) of the bytes, and the masked form that records carry.
std::uint32_t crc32c(std::string_view bytes);
std::uint32_t masked_crc32c(std::string_view bytes);

// An event file that TensorBoard reads: records of u64 length, its masked CRC, the event, its
// masked CRC. A record is written at once, so that a killed run leaves whole ones, or a last one
// that readers wait for.
class TensorBoardWriter {
 public:
  // A new file in `folder`. Where files of an earlier start lie there, the first event says that
  // the run goes on after `step`, and TensorBoard forgets what they say of later steps.
  TensorBoardWriter(const std::filesystem::path& folder, std::int64_t step);

  void add_scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);
  void add_image(std::int64_t step, const std::string& tag, int height, int width,
                 const std::string& encoded);  // PNG, GIF or JPEG

  const std::filesystem::path& path() const { return path_; }

 private:
  void write_record(const std::string& event) const;

  std::filesystem::path path_;
};

}  // namespace muybridge
