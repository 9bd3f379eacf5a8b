#include <sys/stat.h>

#include <cerrno>

#include "core/error.h"
#include "core/system/file.h"
#include "core/system/file_handle.h"
#include "data/shards/shard.h"
#include "data/shards/shard_format.h"
#include "data/shards/shard_hdf5.h"

namespace muybridge {
namespace {

using namespace shard_format;

std::uint64_t size_of_file(const FileHandle& file, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) fail_errno("fstat(" + path.string() + ")", errno);
  return static_cast<std::uint64_t>(status.st_size);
}

// Where the flat data set lies in the file. HDF5 finds the chunks; their bytes are then read
// straight into the caller's memory, by many threads at once, and checked by the clips' hashes.
struct Layout {
  std::uint64_t elements = 0;
  std::uint64_t chunk_bytes = 0;
  std::vector<std::uint64_t> chunks;  // position in the file
};

Layout find_layout(const hdf5::File& file, std::size_t element_bytes, const hdf5::Checker& check) {
  const hdf5::Lock lock;
  const hdf5::Dataset data(check(H5Dopen2(file.get(), kData, H5P_DEFAULT), "H5Dopen2"));
  const hdf5::Type type(check(H5Dget_type(data.get()), "H5Dget_type"));
  const hdf5::Properties creation(check(H5Dget_create_plist(data.get()), "H5Dget_create_plist"));
  hsize_t chunk_elements = 0;
  Layout layout;
  layout.elements = hdf5::flat_size(data, check);
  if (H5Tget_size(type.get()) != element_bytes ||
      H5Pget_chunk(creation.get(), 1, &chunk_elements) != 1 || chunk_elements == 0)
    fail(check.code, "{}: its clips are not stored as a shard stores them", check.path.string());
  layout.chunk_bytes = chunk_elements * element_bytes;
  for (hsize_t first = 0; first < layout.elements; first += chunk_elements) {
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    unsigned skipped_filters = 0;
    check(H5Dget_chunk_info_by_coord(data.get(), &first, &skipped_filters, &address, &size),
          "H5Dget_chunk_info_by_coord");
    if (address == HADDR_UNDEF || size < layout.chunk_bytes)
      fail(check.code, "{}: elements from {} on are missing; the file is damaged",
           check.path.string(), first);
    layout.chunks.push_back(address);
  }
  return layout;
}

}  // namespace

struct ShardReader::State {
  explicit State(const std::filesystem::path& where) : path(where), file(open_to_read(where)) {}

  std::filesystem::path path;
  FileHandle file;
  Layout layout;
  std::string settings;
  std::string records_hash;
  std::vector<ClipRecord> records;
  std::vector<FinishedSource> sources;
  std::vector<std::uint64_t> offsets;  // elements
  std::vector<std::string> data_hashes;

  void read(int clip, std::uint64_t position, std::byte* to, std::size_t bytes) const;
  std::uint64_t begin_of(int clip) const;  // bytes of the flat data set before it
  void require_hash(int clip, const std::string& hash) const;
  std::string name_of(int clip) const;
};

ShardReader::ShardReader(const std::filesystem::path& path)
    : state_(std::make_unique<State>(path)) {
  State& state = *state_;
  const std::uint64_t bytes = size_of_file(state.file, path);
  const hdf5::Checker check{path, ExitCode::kCorrupt};
  const hdf5::File file = hdf5::open_file(path);
  const std::string format = hdf5::read_label(file, kFormatLabel, check);
  if (format != kFormat)
    fail(ExitCode::kCorrupt,
         "{}: its format is '{}', this program reads '{}'; prepare the corpus again, into another "
         "folder",
         path.string(), format, kFormat);
  state.settings = hdf5::read_text(file, kSettings, bytes, check);
  state.records_hash = hdf5::read_label(file, kHashLabel, check);
  const std::string lines = hdf5::read_text(file, kRecords, bytes, check);
  const std::string sources = hdf5::read_text(file, kSources, bytes, check);
  if (hash_records(state.settings, lines, sources) != state.records_hash)
    fail(ExitCode::kCorrupt,
         "{}: its records do not match their hash; restore the file, or delete it and prepare "
         "again",
         path.string());
  state.sources = sources_from_lines(sources, path.string());
  const std::string dtype_name = hdf5::read_label(file, kDTypeLabel, check);
  if (dtype_name != "u8" && dtype_name != "f32" && dtype_name != "bf16")
    fail(ExitCode::kCorrupt, "{}: its type '{}' is none of u8, f32, bf16", path.string(),
         dtype_name);
  const DType dtype = dtype_from_name(dtype_name);
  state.layout = find_layout(file, size_of(dtype), check);
  if (state.layout.elements > bytes)
    fail(ExitCode::kCorrupt, "{}: {} elements cannot be in {} bytes; the file is damaged",
         path.string(), state.layout.elements, bytes);
  for (StoredClip& clip : from_lines(lines, dtype, state.layout.elements, path.string())) {
    state.records.push_back(std::move(clip.record));
    state.offsets.push_back(clip.offset);
    state.data_hashes.push_back(std::move(clip.data_hash));
  }
}

ShardReader::~ShardReader() = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;
ShardReader& ShardReader::operator=(ShardReader&&) noexcept = default;

const std::filesystem::path& ShardReader::path() const { return state_->path; }
const std::string& ShardReader::settings() const { return state_->settings; }
const std::string& ShardReader::records_hash() const { return state_->records_hash; }
const std::vector<ClipRecord>& ShardReader::records() const { return state_->records; }
const std::vector<FinishedSource>& ShardReader::finished_sources() const { return state_->sources; }

// Reads elements of the flat data set; `clip` is who they belong to.
void ShardReader::State::read(int clip, std::uint64_t position, std::byte* to,
                              std::size_t bytes) const {
  while (bytes > 0) {
    const std::uint64_t within = position % layout.chunk_bytes;
    const std::size_t part = std::min<std::size_t>(bytes, layout.chunk_bytes - within);
    const std::uint64_t address = layout.chunks[position / layout.chunk_bytes] + within;
    if (read_at(file, to, part, address, "read(" + path.string() + ")") != part)
      fail(ExitCode::kCorrupt,
           "{}: {} ends beyond the file, which was cut short; restore it, or delete it and prepare "
           "again",
           path.string(), name_of(clip));
    position += part;
    to += part;
    bytes -= part;
  }
}

std::uint64_t ShardReader::State::begin_of(int clip) const {
  const auto at = static_cast<std::size_t>(clip);
  return offsets[at] * size_of(records.at(at).dtype);
}

void ShardReader::State::require_hash(int clip, const std::string& hash) const {
  if (hash == data_hashes[static_cast<std::size_t>(clip)]) return;
  fail(ExitCode::kCorrupt,
       "{}: {} does not match its hash; restore the file, or delete it and prepare again",
       path.string(), name_of(clip));
}

std::string ShardReader::State::name_of(int clip) const {
  const ClipRecord& record = records[static_cast<std::size_t>(clip)];
  return fmt::format("clip {} ({} at {} s)", clip, record.source, record.start_seconds);
}

void ShardReader::read(int clip, std::span<std::byte> out) const {
  const State& state = *state_;
  const ClipRecord& record = state.records.at(static_cast<std::size_t>(clip));
  if (out.size() != record.bytes())
    fail(ExitCode::kInternal, "{}: clip {} has {} bytes, the buffer {}", state.path.string(), clip,
         record.bytes(), out.size());
  state.read(clip, state.begin_of(clip), out.data(), out.size());
  state.require_hash(clip, hash_bytes(out.data(), out.size()));
}

void ShardReader::verify() const {
  std::vector<std::byte> block(kChunkBytes);
  for (int clip = 0; clip < static_cast<int>(state_->records.size()); ++clip) {
    Hasher hasher;
    const std::size_t bytes = state_->records[static_cast<std::size_t>(clip)].bytes();
    for (std::size_t done = 0; done < bytes; done += block.size()) {
      const std::size_t part = std::min(block.size(), bytes - done);
      state_->read(clip, state_->begin_of(clip) + done, block.data(), part);
      hasher.add(block.data(), part);
    }
    state_->require_hash(clip, hasher.hex());
  }
}

ShardSummary summarise_shard(const std::filesystem::path& path,
                             std::string_view known_records_hash) {
  const ShardReader reader(path);
  const bool known = reader.records_hash() == known_records_hash;
  return {path.filename().string(),
          std::filesystem::file_size(path),
          known ? "" : hash_file(path),
          reader.records_hash(),
          reader.settings(),
          reader.records()};
}

}  // namespace muybridge
