#include "data/shards/shard_hdf5.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/log.h"

namespace muybridge::hdf5 {
namespace {

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

struct Reason {
  std::string text;
  bool from_system = false;  // the disk failed, rather than what is on it
};

// The library's stack begins with the outermost call; the innermost knows the reason.
Reason last_error() {
  Reason reason;
  const auto keep_last = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    if (entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_last, &reason.text);
  H5Eclear2(H5E_DEFAULT);
  // System errors come as "file write failed: time = .., errno = 28, error message = '..', ..".
  const std::string_view key = "error message = '";
  if (const auto begin = reason.text.find(key); begin != std::string::npos) {
    const auto start = begin + key.size();
    reason.text = reason.text.substr(start, reason.text.find('\'', start) - start);
    reason.from_system = true;
  }
  if (reason.text.empty()) reason.text = "no reason given";
  return reason;
}

Properties latest_format(const Checker& check) {
  Properties access(check(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate"));
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST),
        "H5Pset_libver_bounds");
  // Shards are renamed into place whole; locks only fail on network file systems.
  check(H5Pset_file_locking(access.get(), false, true), "H5Pset_file_locking");
  return access;
}

}  // namespace

Lock::Lock() : guard_(library_mutex()) {
  static const bool ready = [] {
    H5dont_atexit();
    H5open();
    return true;
  }();
  // Each thread has an error stack of its own, which prints unless it is told not to.
  static thread_local const bool silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(ready);
  static_cast<void>(silent);
}

void Checker::fail_call(const char* call) const {
  const Reason reason = last_error();
  const ExitCode real = reason.from_system ? ExitCode::kIo : code;
  const char* advice = real == ExitCode::kCorrupt
                           ? "the file is damaged; restore it, or delete it and make it again"
                           : "see that the disk is there and has room, and run again";
  fail(real, "{}: {} failed: {}; {}", path.string(), call, reason.text, advice);
}

void log_close_failure() { log_warning("HDF5 could not close a handle: {}", last_error().text); }

File create_file(const std::filesystem::path& path) {
  const Lock lock;
  const Checker check{path, ExitCode::kIo};
  const Properties access = latest_format(check);
  const Properties creation(check(H5Pcreate(H5P_FILE_CREATE), "H5Pcreate"));
  check(H5Pset_obj_track_times(creation.get(), false), "H5Pset_obj_track_times");
  return File(
      check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), "H5Fcreate"));
}

File open_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_errno("open(" + path.string() + ")", errno);
  ::close(descriptor);
  const Lock lock;
  const Checker check{path, ExitCode::kCorrupt};
  const Properties access = latest_format(check);
  return File(check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), "H5Fopen"));
}

Dataset create_flat(const File& file, const char* name, hid_t type, hsize_t chunk_elements,
                    const Checker& check) {
  const Lock lock;
  const hsize_t none = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  const Space space(check(H5Screate_simple(1, &none, &unlimited), "H5Screate_simple"));
  const Properties creation(check(H5Pcreate(H5P_DATASET_CREATE), "H5Pcreate"));
  check(H5Pset_chunk(creation.get(), 1, &chunk_elements), "H5Pset_chunk");
  check(H5Pset_fletcher32(creation.get()), "H5Pset_fletcher32");
  check(H5Pset_obj_track_times(creation.get(), false), "H5Pset_obj_track_times");
  const Properties access(check(H5Pcreate(H5P_DATASET_ACCESS), "H5Pcreate"));
  check(H5Pset_chunk_cache(access.get(), 0, 0, 0), "H5Pset_chunk_cache");
  return Dataset(check(
      H5Dcreate2(file.get(), name, type, space.get(), H5P_DEFAULT, creation.get(), access.get()),
      "H5Dcreate2"));
}

void write_flat(const Dataset& dataset, hid_t memory_type, hsize_t begin, hsize_t count,
                const void* data, const Checker& check) {
  const Lock lock;
  const hsize_t end = begin + count;
  if (flat_size(dataset, check) < end) check(H5Dset_extent(dataset.get(), &end), "H5Dset_extent");
  const Space memory(check(H5Screate_simple(1, &count, nullptr), "H5Screate_simple"));
  const Space file(check(H5Dget_space(dataset.get()), "H5Dget_space"));
  check(H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, &begin, nullptr, &count, nullptr),
        "H5Sselect_hyperslab");
  check(H5Dwrite(dataset.get(), memory_type, memory.get(), file.get(), H5P_DEFAULT, data),
        "H5Dwrite");
}

hsize_t flat_size(const Dataset& dataset, const Checker& check) {
  const Lock lock;
  const Space space(check(H5Dget_space(dataset.get()), "H5Dget_space"));
  hsize_t size = 0;
  if (check(H5Sget_simple_extent_ndims(space.get()), "H5Sget_simple_extent_ndims") != 1)
    fail(check.code, "{}: a data set has more than one dimension; this is not a file of ours",
         check.path.string());
  check(H5Sget_simple_extent_dims(space.get(), &size, nullptr), "H5Sget_simple_extent_dims");
  return size;
}

void write_text(const File& file, const char* name, std::string_view text, const Checker& check) {
  const Lock lock;
  constexpr hsize_t kLargest = 1 << 20;
  const hsize_t chunk = std::min<hsize_t>(std::max<hsize_t>(text.size(), 1), kLargest);
  Dataset dataset = create_flat(file, name, H5T_STD_U8LE, chunk, check);
  if (!text.empty()) write_flat(dataset, H5T_NATIVE_UINT8, 0, text.size(), text.data(), check);
  dataset.close(check, "H5Dclose");
}

std::string read_text(const File& file, const char* name, std::uint64_t limit,
                      const Checker& check) {
  const Lock lock;
  const Dataset dataset(check(H5Dopen2(file.get(), name, H5P_DEFAULT), "H5Dopen2"));
  const hsize_t size = flat_size(dataset, check);
  if (size > limit)
    fail(check.code, "{}: data set {} says that it has {} bytes, more than the file",
         check.path.string(), name, size);
  std::string text(size, '\0');
  if (size > 0)
    check(H5Dread(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()),
          "H5Dread");
  return text;
}

void write_label(const File& file, const char* name, std::string_view text, const Checker& check) {
  const Lock lock;
  const std::string terminated(text);
  const Type type(check(H5Tcopy(H5T_C_S1), "H5Tcopy"));
  check(H5Tset_size(type.get(), terminated.size() + 1), "H5Tset_size");
  const Space space(check(H5Screate(H5S_SCALAR), "H5Screate"));
  const Attribute attribute(
      check(H5Acreate2(file.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
            "H5Acreate2"));
  check(H5Awrite(attribute.get(), type.get(), terminated.c_str()), "H5Awrite");
}

std::string read_label(const File& file, const char* name, const Checker& check) {
  const Lock lock;
  const Attribute attribute(check(H5Aopen(file.get(), name, H5P_DEFAULT), "H5Aopen"));
  const Type stored(check(H5Aget_type(attribute.get()), "H5Aget_type"));
  const Space space(check(H5Aget_space(attribute.get()), "H5Aget_space"));
  const std::size_t size = H5Tget_size(stored.get());
  if (H5Tget_class(stored.get()) != H5T_STRING || H5Tis_variable_str(stored.get()) != 0 ||
      H5Sget_simple_extent_npoints(space.get()) != 1 || size == 0 || size > 4096)
    fail(check.code, "{}: label {} is not a short string; this is not a file of ours",
         check.path.string(), name);
  std::vector<char> text(size + 1, '\0');
  check(H5Aread(attribute.get(), stored.get(), text.data()), "H5Aread");
  return text.data();
}

}  // namespace muybridge::hdf5
