#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace muybridge {

// The primitives of a durable commit (LevelDB's order: write, fsync, rename, fsync the folder).
// Every function throws Error(kIo) with the path and the reason.

std::string read_file(const std::filesystem::path& path);

// Flushes a file or a folder to the disk.
void sync_path(const std::filesystem::path& path);

// Replaces `path` at once: a reader sees the old or the new content, also after a power cut, and
// of several writers one wins.
void write_file_durably(const std::filesystem::path& path, std::string_view content);

// rename(2), then fsync of the parent folder of `to`.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

// Appends whole lines; a line is either there or not after a crash of the process.
void append_line(const std::filesystem::path& path, std::string_view line);

// XXH3 128-bit of bytes that come in parts.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void add(const void* data, std::size_t bytes);
  std::string hex() const;  // of all so far, as hash_bytes() of them

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// XXH3 128-bit of a file's content as 32 hexadecimal digits, and of a block of memory.
std::string hash_file(const std::filesystem::path& path);
std::string hash_bytes(const void* data, std::size_t bytes);

}  // namespace muybridge
