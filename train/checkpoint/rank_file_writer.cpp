#include "train/checkpoint/rank_file_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "core/error.h"
#include "core/system/file.h"
#include "core/system/file_handle.h"
#include "data/shards/shard_hdf5.h"
#include "train/checkpoint/rank_file_reader.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using hdf5::Checker;

hid_t stored_type(DType dtype) {
  if (dtype == DType::kF64) return H5T_IEEE_F64LE;
  if (dtype == DType::kF32) return H5T_IEEE_F32LE;
  throw std::invalid_argument(
      fmt::format("checkpoint: the state is {}, f32 or f64 expected", name_of(dtype)));
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

// A data set that has its place in the file, and nothing in it; returns where.
std::uint64_t add_data_set(const hdf5::File& file, const StatePiece& piece, const Checker& check) {
  const hdf5::Lock lock;
  make_group(file, std::string(name_of(piece.kind)).c_str(), check);
  const auto elements = static_cast<hsize_t>(piece.elements.numel());
  const hdf5::Space space(check(H5Screate_simple(1, &elements, nullptr), "H5Screate_simple"));
  const hdf5::Properties creation = without_times(H5P_DATASET_CREATE, check);
  check(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
  check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
  hdf5::Dataset dataset(
      check(H5Dcreate2(file.get(), piece.data_set().c_str(), stored_type(piece.elements.dtype()),
                       space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
            "H5Dcreate2"));
  write_slice(dataset, piece.slice, check);
  const haddr_t offset = H5Dget_offset(dataset.get());
  if (offset == HADDR_UNDEF)
    fail(ExitCode::kInternal, "{}: HDF5 does not say where {} lies", check.path.string(),
         piece.data_set());
  dataset.close(check, "H5Dclose");
  return offset;
}

// The whole structure; returns the place of each piece.
std::vector<std::uint64_t> make_structure(const fs::path& path,
                                          std::span<const StatePiece> pieces) {
  const Checker check{path, ExitCode::kIo};
  hdf5::File file = hdf5::create_file(path);
  try {
    std::vector<std::uint64_t> offsets;
    for (const StatePiece& piece : pieces) offsets.push_back(add_data_set(file, piece, check));
    file.close(check, "H5Fclose");
    return offsets;
  } catch (...) {
    // After a failed close the library keeps the file open; emptied, it holds no room on the disk.
    file = {};
    std::error_code ignored;
    fs::resize_file(path, 0, ignored);
    throw;
  }
}

// Writes the elements and hashes them on the way.
StoredPiece write_elements(const FileHandle& file, const fs::path& path, const StatePiece& piece,
                           std::uint64_t offset) {
  const Tensor here = piece.elements.to(Device::kCpu);
  StoredPiece stored{static_cast<const Piece&>(piece), here.dtype(), offset, {}};
  const auto* const data = static_cast<const char*>(here.raw());
  const std::string what = "write(" + path.string() + ")";
  Hasher whole;
  for (std::uint64_t begin = 0; begin < stored.bytes(); begin += kHashedBytes) {
    const std::uint64_t bytes = std::min(kHashedBytes, stored.bytes() - begin);
    whole.add(data + begin, bytes);
    if (stored.bytes() > kHashedBytes) stored.part_hashes += hash_bytes(data + begin, bytes);
    write_at(file, data + begin, bytes, offset + begin, what);
  }
  stored.hash = whole.hex();
  return stored;
}

void require_size(const StatePiece& piece) {
  if (piece.elements.numel() != piece.slice.numel())
    throw std::invalid_argument(fmt::format("checkpoint: {} elements for {}, {} expected",
                                            piece.elements.numel(), piece.data_set(),
                                            piece.slice.numel()));
}

}  // namespace

RankFile write_rank_file(const fs::path& path, std::span<const StatePiece> pieces) {
  for (const StatePiece& piece : pieces) require_size(piece);
  const std::vector<std::uint64_t> offsets = make_structure(path, pieces);
  RankFile file{.name = path.filename().string(), .bytes = 0, .hash = {}, .pieces = {}};
  {
    const FileHandle out(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!out) fail_errno("open(" + path.string() + ")", errno);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      file.pieces.push_back(write_elements(out, path, pieces[i], offsets[i]));
  }
  sync_path(path);
  file.bytes = fs::file_size(path);
  file.hash = hash_file(path);
  file.structure_hash = hash_structure(path, file);
  const std::string damaged = damaged_tensors(path, file);
  if (!damaged.empty())
    fail(ExitCode::kIo, "{}: the file does not hold what was written, in {}", path.string(),
         damaged);
  return file;
}

}  // namespace muybridge
