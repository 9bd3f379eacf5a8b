#include "core/cuda/recorder.h"

#include <cxxabi.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <tuple>
#include <utility>

namespace muybridge::cuda {
namespace {

struct Recording {
  std::mutex mutex;
  std::vector<Recorded> calls;
  std::map<std::tuple<Recorded::Kind, std::string>, std::size_t> place;
  std::map<const void*, std::size_t> blocks;
};

std::atomic<bool> is_recording{false};

Recording& recorded() {
  static Recording* const all = new Recording;  // tensors in static storage outlive it else
  return *all;
}

bool is_memory(const void* pointer) {
  const std::scoped_lock lock(recorded().mutex);
  auto after = recorded().blocks.upper_bound(pointer);
  if (after == recorded().blocks.begin()) return false;
  --after;
  return pointer < static_cast<const std::byte*>(after->first) + after->second;
}

}  // namespace

void record_instead_of_computing() { is_recording = true; }
bool recording() noexcept { return is_recording; }

std::vector<Recorded> take_recorded() {
  const std::scoped_lock lock(recorded().mutex);
  recorded().place.clear();
  return std::exchange(recorded().calls, {});
}

void record(const Recorded& call) {
  const std::scoped_lock lock(recorded().mutex);
  std::vector<Recorded>& calls = recorded().calls;
  const auto [at, is_new] = recorded().place.try_emplace({call.kind, call.what}, calls.size());
  if (is_new) {
    calls.push_back(call);
    return;
  }
  Recorded& all = calls[at->second];
  all.calls += call.calls;
  all.bytes += call.bytes;
  all.operations += call.operations;
}

std::string name_of_functor(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 ? plain.get() : type.name();
  for (const char* const of : {"muybridge::functor::", "muybridge::"})
    for (std::size_t at = name.find(of); at != std::string::npos; at = name.find(of))
      name.erase(at, std::strlen(of));
  return name;
}

void* recorded_memory(std::size_t bytes) {
  void* const block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED) return nullptr;
  const std::scoped_lock lock(recorded().mutex);
  recorded().blocks[block] = bytes;
  return block;
}

void free_recorded_memory(void* block) noexcept {
  const std::scoped_lock lock(recorded().mutex);
  if (const auto found = recorded().blocks.find(block); found != recorded().blocks.end()) {
    munmap(block, found->second);
    recorded().blocks.erase(found);
  }
}

void record_copy(void* to, const void* from, std::size_t bytes) {
  const bool there = is_memory(to), from_there = is_memory(from);
  if (!there) std::memset(to, 0, bytes);
  record({.kind = Recorded::Kind::kCopy,
          .what = !from_there ? "from the host"
                  : there     ? "on the device"
                              : "to the host",
          .calls = 1,
          .bytes = static_cast<double>(bytes) * (there && from_there ? 2 : 1)});
}

}  // namespace muybridge::cuda
