#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/system/temporary_file.h"
#include "core/tensor.h"

// The safetensors format: u64 length of the header (little endian), the header as JSON
// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {"key": "value"}},
// then the elements of all tensors end to end, without holes.
namespace muybridge {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // the format's spelling: "F32", "BF16", ...
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // bytes [begin, end) of the data section
  std::uint64_t end = 0;
};

using SafetensorsMetadata = std::map<std::string, std::string>;

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
  SafetensorsMetadata metadata;
};

// Checks all that a header can get wrong: duplicate or unknown keys, types, an overflowing shape
// product, a size that is not that of the shape, offsets that overlap, leave holes, are not a
// multiple of the element size, or do not end with the data. Throws Error(kCorrupt) that begins
// with `where`.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                           const std::string& where);

// Bytes of an element of a safetensors dtype; 0 for one that the format does not have.
std::size_t safetensors_element_bytes(std::string_view dtype);

class SafetensorsReader {
 public:
  // Throws Error(kIo) when the file cannot be read, Error(kCorrupt) when it is not well formed.
  explicit SafetensorsReader(const std::filesystem::path& path);

  const std::vector<SafetensorsEntry>& entries() const { return header_.entries; }
  const SafetensorsMetadata& metadata() const { return header_.metadata; }
  const SafetensorsEntry* find(const std::string& name) const;

  // Throws Error(kUsage) for a name that is not there (with the nearest), or an element type or a
  // rank that Tensor does not have.
  Tensor read(const std::string& name) const;
  // Into a tensor of the same shape, on any device, a few MiB at a time where it is of another
  // floating type (to which numbers are rounded) or on a device: never two of it in memory.
  void read_into(const std::string& name, const Tensor& to) const;

 private:
  const SafetensorsEntry& entry_of(const std::string& name) const;

  std::filesystem::path path_;
  SafetensorsHeader header_;
  std::map<std::string, std::size_t> index_;
  std::uint64_t data_start_ = 0;
};

struct SafetensorsSpec {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};

// Writes a file of its own beside PATH; commit() makes it durable and renames it, so that of two
// writers of one path the last wins and neither's bytes mix. Tensors come in any order, so that a
// model need not be in memory at once. One that is dropped before commit() removes its file.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& path, std::vector<SafetensorsSpec> specs,
                    const SafetensorsMetadata& metadata = {});
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  // Throws std::invalid_argument unless `tensor` is as its spec says and not yet written.
  void add(const std::string& name, const Tensor& tensor);
  // Throws std::invalid_argument when a tensor was not added.
  void commit();

 private:
  struct Slot {
    SafetensorsSpec spec;
    std::uint64_t begin = 0;
    bool written = false;
  };
  TemporaryFile temporary_;
  std::map<std::string, Slot> slots_;
  std::uint64_t data_start_ = 0;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace muybridge
