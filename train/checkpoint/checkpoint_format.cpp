#include "train/checkpoint/checkpoint_format.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <stdexcept>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "core/system/file_handle.h"
#include "data/shards/shard_hdf5.h"

namespace muybridge {
namespace {

using hdf5::Checker;

hid_t stored_type(DType dtype) {
  if (dtype == DType::kF64) return H5T_IEEE_F64LE;
  if (dtype == DType::kF32) return H5T_IEEE_F32LE;
  throw std::invalid_argument(
      fmt::format("checkpoint: the state is {}, f32 or f64 expected", name_of(dtype)));
}

hid_t memory_type(DType dtype) {
  return dtype == DType::kF64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
}

// Objects carry no times: the same state gives the same bytes.
hdf5::Properties without_times(hid_t kind, const Checker& check) {
  hdf5::Properties creation(check(H5Pcreate(kind), "H5Pcreate"));
  check(H5Pset_obj_track_times(creation.get(), false), "H5Pset_obj_track_times");
  return creation;
}

void make_group(const hdf5::File& file, const char* name, const Checker& check) {
  if (check(H5Lexists(file.get(), name, H5P_DEFAULT), "H5Lexists") > 0) return;
  const hdf5::Properties creation = without_times(H5P_GROUP_CREATE, check);
  hdf5::Group group(
      check(H5Gcreate2(file.get(), name, H5P_DEFAULT, creation.get(), H5P_DEFAULT), "H5Gcreate2"));
  group.close(check, "H5Gclose");
}

hdf5::Dataset create_data_set(const hdf5::File& file, const std::string& name, DType dtype,
                              hsize_t elements, const Checker& check) {
  const hdf5::Space space(check(H5Screate_simple(1, &elements, nullptr), "H5Screate_simple"));
  const hdf5::Properties creation = without_times(H5P_DATASET_CREATE, check);
  check(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
  check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
  return hdf5::Dataset(check(H5Dcreate2(file.get(), name.c_str(), stored_type(dtype), space.get(),
                                        H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                             "H5Dcreate2"));
}

void write_slice(const hdf5::Dataset& dataset, const Slice& slice, const Checker& check) {
  const std::array<std::int64_t, 4> values = {slice.begin, slice.length, slice.stride, slice.count};
  const hsize_t extent = values.size();
  const hdf5::Space space(check(H5Screate_simple(1, &extent, nullptr), "H5Screate_simple"));
  hdf5::Attribute attribute(check(
      H5Acreate2(dataset.get(), "slice", H5T_STD_I64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
      "H5Acreate2"));
  check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, values.data()), "H5Awrite");
  attribute.close(check, "H5Aclose");
}

// What was just written is on the disk: dropping it from the cache makes the next read ask there.
// A file system that cannot do it answers from the cache.
void drop_cache(const FileHandle& file) { ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED); }

std::string hash_range(const FileHandle& file, const StoredPiece& piece,
                       const std::filesystem::path& path) {
  std::string block(piece.bytes(), '\0');
  std::size_t got = 0;
  while (got < block.size()) {
    const ssize_t read = ::pread(file.get(), block.data() + got, block.size() - got,
                                 static_cast<off_t>(piece.offset + got));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) fail_errno("read(" + path.string() + ")", errno);
    if (read == 0) break;  // the file ends here
    got += static_cast<std::size_t>(read);
  }
  return hash_bytes(block.data(), got);
}

// "ema of head.projection.weight, ..."; empty when all pieces are whole.
std::string damaged_tensors(const FileHandle& file, const std::filesystem::path& path,
                            const RankFile& expected) {
  constexpr int kMostNamed = 3;
  int damaged = 0;
  std::string names;
  for (const StoredPiece& piece : expected.pieces) {
    if (hash_range(file, piece, path) == piece.hash) continue;
    if (++damaged <= kMostNamed)
      names += fmt::format("{}{} of {}", damaged > 1 ? ", " : "", name_of(piece.kind), piece.name);
  }
  if (damaged > kMostNamed) names += fmt::format(" and {} more", damaged - kMostNamed);
  return names;
}

}  // namespace

std::string_view name_of(StateKind kind) {
  switch (kind) {
    case StateKind::kMaster:
      return "master";
    case StateKind::kMomentum:
      return "momentum";
    case StateKind::kVariance:
      return "variance";
    case StateKind::kEma:
      return "ema";
  }
  throw std::invalid_argument("checkpoint: an unknown kind of state");
}

std::string Piece::data_set() const {
  return fmt::format("{}/{}@{}", name_of(kind), name, slice.begin);
}

struct RankFileWriter::Library {
  hdf5::File file;
  Checker check;
};

RankFileWriter::RankFileWriter(const std::filesystem::path& path)
    : path_(path), library_(std::make_unique<Library>()) {
  library_->check = {path, ExitCode::kIo};
  library_->file = hdf5::create_file(path);
  file_.name = path.filename().string();
}

RankFileWriter::~RankFileWriter() {
  if (!library_->file) return;
  library_->file = {};
  // After a failed close the library keeps the file open; emptied, it holds no room on the disk.
  std::error_code ignored;
  std::filesystem::resize_file(path_, 0, ignored);
}

void RankFileWriter::add(const Piece& piece, const Tensor& elements) {
  if (elements.numel() != piece.slice.numel())
    throw std::invalid_argument(fmt::format("checkpoint: {} elements for {}, {} expected",
                                            elements.numel(), piece.data_set(),
                                            piece.slice.numel()));
  const Tensor here = elements.to(Device::kCpu);
  StoredPiece stored{piece, here.dtype(), 0, hash_bytes(here.raw(), here.bytes())};
  const hdf5::Lock lock;
  const Checker& check = library_->check;
  make_group(library_->file, std::string(name_of(piece.kind)).c_str(), check);
  hdf5::Dataset dataset = create_data_set(library_->file, piece.data_set(), here.dtype(),
                                          static_cast<hsize_t>(here.numel()), check);
  check(
      H5Dwrite(dataset.get(), memory_type(here.dtype()), H5S_ALL, H5S_ALL, H5P_DEFAULT, here.raw()),
      "H5Dwrite");
  write_slice(dataset, piece.slice, check);
  const haddr_t offset = H5Dget_offset(dataset.get());
  if (offset == HADDR_UNDEF)
    fail(ExitCode::kInternal, "{}: HDF5 does not say where {} lies", path_.string(),
         piece.data_set());
  stored.offset = offset;
  dataset.close(check, "H5Dclose");
  file_.pieces.push_back(std::move(stored));
}

RankFile RankFileWriter::finish() {
  {
    const hdf5::Lock lock;
    library_->check(H5Fflush(library_->file.get(), H5F_SCOPE_GLOBAL), "H5Fflush");
    library_->file.close(library_->check, "H5Fclose");
  }
  sync_path(path_);
  file_.bytes = std::filesystem::file_size(path_);
  file_.hash = hash_file(path_);
  const std::string damaged = damaged_tensors(open_to_read(path_), path_, file_);
  if (!damaged.empty())
    fail(ExitCode::kIo, "{}: the file does not hold what was written, in {}", path_.string(),
         damaged);
  return std::move(file_);
}

struct RankFileReader::Library {
  hdf5::File file;
};

RankFileReader::RankFileReader(const std::filesystem::path& path)
    : path_(path), library_(std::make_unique<Library>()) {
  library_->file = hdf5::open_file(path);
}
RankFileReader::~RankFileReader() = default;
RankFileReader::RankFileReader(RankFileReader&&) noexcept = default;

Tensor RankFileReader::read(const StoredPiece& piece) const {
  Tensor out = Tensor::empty({piece.slice.numel()}, piece.dtype);
  {
    const hdf5::Lock lock;
    const Checker check{path_, ExitCode::kCorrupt};
    const hdf5::Dataset dataset(
        check(H5Dopen2(library_->file.get(), piece.data_set().c_str(), H5P_DEFAULT), "H5Dopen2"));
    if (hdf5::flat_size(dataset, check) != static_cast<hsize_t>(piece.slice.numel()))
      fail(ExitCode::kCorrupt, "{}: {} has not the size that the manifest says", path_.string(),
           piece.data_set());
    check(
        H5Dread(dataset.get(), memory_type(piece.dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.raw()),
        "H5Dread");
  }
  if (hash_bytes(out.raw(), out.bytes()) != piece.hash)
    fail(ExitCode::kCorrupt, "{} is damaged in {} of {}", path_.string(), name_of(piece.kind),
         piece.name);
  return out;
}

void verify_rank_file(const std::filesystem::path& path, const RankFile& expected) {
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  if (error)
    fail(ExitCode::kCorrupt, "{} is missing from its commit: {}", path.string(), error.message());
  const FileHandle file = open_to_read(path);
  drop_cache(file);
  if (bytes == expected.bytes && hash_file(path) == expected.hash) return;
  const std::string tensors = damaged_tensors(file, path, expected);
  fail(ExitCode::kCorrupt, "{} is damaged in {} ({} bytes, {} were written)", path.string(),
       tensors.empty() ? "its structure, not in a tensor" : tensors, bytes, expected.bytes);
}

}  // namespace muybridge
