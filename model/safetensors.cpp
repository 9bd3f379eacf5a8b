#include "model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "core/system/file.h"
#include "core/text/spelling.h"

namespace muybridge {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::int64_t kElementsAtOnce = 1 << 20;

struct Spelling {
  const char* name;
  DType dtype;
};
constexpr Spelling kSpellings[] = {{"F32", DType::kF32}, {"BF16", DType::kBF16},
                                   {"F64", DType::kF64}, {"I32", DType::kI32},
                                   {"I64", DType::kI64}, {"U8", DType::kU8}};

const char* spell(DType dtype) {
  for (const Spelling& spelling : kSpellings)
    if (spelling.dtype == dtype) return spelling.name;
  throw std::invalid_argument("safetensors: a dtype without a spelling");
}

std::unique_ptr<std::FILE, int (*)(std::FILE*)> open_file(const std::filesystem::path& path,
                                                          const char* mode) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), mode),
                                                       &std::fclose);
  if (!file) fail_errno("open(" + path.string() + ")", errno);
  return file;
}

void seek(std::FILE* file, std::uint64_t position, const std::filesystem::path& path) {
  if (::fseeko(file, static_cast<off_t>(position), SEEK_SET) != 0)
    fail_errno("seek(" + path.string() + ")", errno);
}

void read_exactly(std::FILE* file, void* out, std::size_t bytes,
                  const std::filesystem::path& path) {
  if (bytes == 0 || std::fread(out, 1, bytes, file) == bytes) return;
  if (std::ferror(file)) fail_errno("read(" + path.string() + ")", errno);
  fail(ExitCode::kCorrupt, "{}: the file ends too early; copy it anew", path.string());
}

void write_exactly(std::FILE* file, const void* data, std::size_t bytes,
                   const std::filesystem::path& path) {
  if (bytes > 0 && std::fwrite(data, 1, bytes, file) != bytes)
    fail_errno("write(" + path.string() + ")", errno);
}

DType dtype_of(const SafetensorsEntry& entry, const std::filesystem::path& path) {
  for (const Spelling& spelling : kSpellings)
    if (spelling.name == entry.dtype) return spelling.dtype;
  fail(ExitCode::kUsage, "{}: tensor '{}' is {}; convert the file to F32 or BF16", path.string(),
       entry.name, entry.dtype);
}

Shape shape_of(const SafetensorsEntry& entry, const std::filesystem::path& path) {
  if (entry.shape.size() > static_cast<std::size_t>(Shape::kMaxRank))
    fail(ExitCode::kUsage, "{}: tensor '{}' has {} dimensions, at most {} are supported",
         path.string(), entry.name, entry.shape.size(), Shape::kMaxRank);
  return Shape(std::span<const std::int64_t>(entry.shape));
}

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path) : path_(path) {
  const auto file = open_file(path, "rb");
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) fail_errno("stat(" + path.string() + ")", error.value());
  std::uint64_t header_bytes = 0;
  if (size < sizeof header_bytes)
    fail(ExitCode::kCorrupt, "{}: no safetensors file: {} bytes", path.string(), size);
  read_exactly(file.get(), &header_bytes, sizeof header_bytes, path);
  if (header_bytes > kMaxHeaderBytes || header_bytes > size - sizeof header_bytes)
    fail(ExitCode::kCorrupt, "{}: no safetensors file: a header of {} bytes in a file of {}",
         path.string(), header_bytes, size);
  std::string json(header_bytes, '\0');
  read_exactly(file.get(), json.data(), json.size(), path);
  data_start_ = sizeof header_bytes + header_bytes;
  header_ = parse_safetensors_header(json, size - data_start_, path.string());
  for (std::size_t i = 0; i < header_.entries.size(); ++i) index_[header_.entries[i].name] = i;
}

const SafetensorsEntry* SafetensorsReader::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &header_.entries[found->second];
}

const SafetensorsEntry& SafetensorsReader::entry_of(const std::string& name) const {
  const SafetensorsEntry* entry = find(name);
  if (entry) return *entry;
  std::vector<std::string> names;
  for (const auto& [known, position] : index_) names.push_back(known);
  const std::string near = nearest(name, names);
  fail(ExitCode::kUsage, "{}: no tensor '{}'{}", path_.string(), name,
       near.empty() ? "" : fmt::format("; the nearest is '{}'", near));
}

Tensor SafetensorsReader::read(const std::string& name) const {
  const SafetensorsEntry& entry = entry_of(name);
  Tensor tensor = Tensor::empty(shape_of(entry, path_), dtype_of(entry, path_));
  read_into(name, tensor);
  return tensor;
}

void SafetensorsReader::read_into(const std::string& name, const Tensor& to) const {
  const SafetensorsEntry& entry = entry_of(name);
  require_shape("safetensors", name.c_str(), to, shape_of(entry, path_));
  const DType dtype = dtype_of(entry, path_);
  const auto file = open_file(path_, "rb");
  seek(file.get(), data_start_ + entry.begin, path_);
  if (to.dtype() == dtype && to.device() == Device::kCpu)
    return read_exactly(file.get(), to.raw(), to.bytes(), path_);
  const std::int64_t most = std::min(kElementsAtOnce, to.numel());
  const Tensor some = Tensor::empty({most}, dtype);
  for (std::int64_t begin = 0; begin < to.numel(); begin += most) {
    const Shape part{std::min(most, to.numel() - begin)};
    const Tensor read = some.flat_view(0, part);
    read_exactly(file.get(), read.raw(), read.bytes(), path_);
    to.flat_view(begin, part).copy_from(read.to(to.dtype()));
  }
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::vector<SafetensorsSpec> specs,
                                     const SafetensorsMetadata& metadata)
    : temporary_(path), file_(nullptr, &std::fclose) {
  // Widest elements first: every tensor is aligned and there are no holes.
  std::stable_sort(specs.begin(), specs.end(),
                   [](const SafetensorsSpec& a, const SafetensorsSpec& b) {
                     const std::size_t left = size_of(a.dtype), right = size_of(b.dtype);
                     return left != right ? left > right : a.name < b.name;
                   });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t end = 0;
  for (const SafetensorsSpec& spec : specs) {
    if (spec.name == "__metadata__" || !slots_.emplace(spec.name, Slot{spec, end}).second)
      throw std::invalid_argument("safetensors: the name '" + spec.name + "' is taken");
    const std::uint64_t begin = end;
    end += static_cast<std::uint64_t>(spec.shape.numel()) * size_of(spec.dtype);
    const auto extents = spec.shape.extents();
    header[spec.name] = {{"dtype", spell(spec.dtype)},
                         {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                         {"data_offsets", {begin, end}}};
  }
  std::string json = header.dump();
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() > kMaxHeaderBytes)
    fail(ExitCode::kUsage, "{}: a header of {} bytes is more than the format allows", path.string(),
         json.size());
  const std::uint64_t header_bytes = json.size();
  data_start_ = sizeof header_bytes + header_bytes;
  file_ = open_file(temporary_.path(), "wbx");
  write_exactly(file_.get(), &header_bytes, sizeof header_bytes, temporary_.path());
  write_exactly(file_.get(), json.data(), json.size(), temporary_.path());
}

void SafetensorsWriter::add(const std::string& name, const Tensor& tensor) {
  const auto found = slots_.find(name);
  if (found == slots_.end() || found->second.written)
    throw std::invalid_argument("safetensors: '" + name + "' is unknown or written twice");
  Slot& slot = found->second;
  if (tensor.shape() != slot.spec.shape || tensor.dtype() != slot.spec.dtype)
    throw std::invalid_argument(fmt::format("safetensors: '{}' is {} {}, {} {} was announced", name,
                                            tensor.shape(), name_of(tensor.dtype()),
                                            slot.spec.shape, name_of(slot.spec.dtype)));
  const Tensor here = tensor.to(Device::kCpu);
  seek(file_.get(), data_start_ + slot.begin, temporary_.path());
  write_exactly(file_.get(), here.raw(), here.bytes(), temporary_.path());
  slot.written = true;
}

void SafetensorsWriter::commit() {
  for (const auto& [name, slot] : slots_)
    if (!slot.written) throw std::invalid_argument("safetensors: '" + name + "' was not written");
  if (std::fclose(file_.release()) != 0)
    fail_errno("close(" + temporary_.path().string() + ")", errno);
  sync_path(temporary_.path());
  temporary_.publish();
}

}  // namespace muybridge
