#pragma once

#include <filesystem>
#include <string_view>

namespace muybridge {

// A file beside `target` that is to become it. Its name is this object's alone, whichever process,
// thread or machine writes the same target meanwhile, and begins with a dot: nobody reads it.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path target);
  ~TemporaryFile();  // removes it unless it was published
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Gives it the target's name at once and for good; the caller flushed it to the disk before.
  // Throws Error(kIo).
  void publish();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  bool published_ = false;
};

// Whether a file of that name is, or was, a TemporaryFile of a target called `target`.
bool is_temporary_of(std::string_view name, std::string_view target);

// Removes from a folder what processes of this machine that are gone left more than an hour ago.
// Never throws.
void remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace muybridge
