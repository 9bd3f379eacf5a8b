#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

// The few parts of HDF5 that shards and checkpoints use, with every return code checked.
namespace muybridge::hdf5 {

// The library has global state and is built without locks of its own: whoever calls it holds this.
// It also sets the library up: nothing is printed, whatever thread calls, and nothing runs at exit,
// where it crashes after a disk was full. Recursive, so that closing a handle under a Lock is fine.
class Lock {
 public:
  Lock();

 private:
  std::scoped_lock<std::recursive_mutex> guard_;
};

// Throws Error(code) "<path>: H5Dwrite failed: <what the library says>" for a negative result.
struct Checker {
  std::filesystem::path path;
  ExitCode code = ExitCode::kIo;  // what a failure means: kIo when writing, kCorrupt when reading

  template <class Result>
  Result operator()(Result result, const char* call) const {
    if (result < 0) fail_call(call);
    return result;
  }

 private:
  [[noreturn]] void fail_call(const char* call) const;
};

void log_close_failure();

// Owns one identifier of the library.
template <auto Close>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }
  ~Handle() { reset(); }

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

  // Closing writes what is buffered, so a writer closes in the open and looks at the result.
  void close(const Checker& check, const char* call) {
    const Lock lock;
    check(Close(std::exchange(id_, H5I_INVALID_HID)), call);
  }

 private:
  void reset() noexcept {
    if (id_ < 0) return;
    const Lock lock;
    if (Close(std::exchange(id_, H5I_INVALID_HID)) < 0) log_close_failure();
  }

  hid_t id_ = H5I_INVALID_HID;
};

using File = Handle<&H5Fclose>;
using Group = Handle<&H5Gclose>;
using Dataset = Handle<&H5Dclose>;
using Space = Handle<&H5Sclose>;
using Type = Handle<&H5Tclose>;
using Properties = Handle<&H5Pclose>;
using Attribute = Handle<&H5Aclose>;

// H5F_LIBVER_LATEST, whose metadata is checksummed, and no times, so that the same content is the
// same file. Replaces what is there.
File create_file(const std::filesystem::path& path);
// To be read only. A file that is not HDF5 is Error(kCorrupt); one that is not there Error(kIo).
File open_file(const std::filesystem::path& path);

// Checksummed (Fletcher32) data sets of one dimension that grow in whole chunks. Nothing is cached,
// so that a full disk is found by the call that wrote.
Dataset create_flat(const File& file, const char* name, hid_t type, hsize_t chunk_elements,
                    const Checker& check);
// Writes `count` elements at `begin`, and grows the data set to hold them.
void write_flat(const Dataset& dataset, hid_t memory_type, hsize_t begin, hsize_t count,
                const void* data, const Checker& check);
hsize_t flat_size(const Dataset& dataset, const Checker& check);

// A data set of bytes, whole.
void write_text(const File& file, const char* name, std::string_view text, const Checker& check);
// At most `limit` bytes; more is Error(kCorrupt).
std::string read_text(const File& file, const char* name, std::uint64_t limit,
                      const Checker& check);

// Short strings on the root group.
void write_label(const File& file, const char* name, std::string_view text, const Checker& check);
std::string read_label(const File& file, const char* name, const Checker& check);

}  // namespace muybridge::hdf5
